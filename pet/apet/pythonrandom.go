package apet

import (
	"math/big"
	"math/bits"
)

// pythonRandom is the generator of Python's module random: MT19937 (Matsumoto
// and Nishimura, 1998), seeded as random.seed seeds it with an integer.
type pythonRandom struct {
	state [624]uint32
	next  int // of the state's words; 624: all are used up
}

// newPythonRandom is random.seed(seed); the sign of the seed does not count.
func newPythonRandom(seed *big.Int) *pythonRandom {
	var key []uint32 // the seed's digits to base 2^32, lowest first
	rest, digit := new(big.Int).Abs(seed), new(big.Int)
	for base := new(big.Int).Lsh(big.NewInt(1), 32); len(key) == 0 || rest.Sign() > 0; {
		rest.DivMod(rest, base, digit)
		key = append(key, uint32(digit.Uint64()))
	}
	r := &pythonRandom{}
	r.initByArray(key)
	return r
}

// init seeds the state with one word: the authors' init_genrand.
func (r *pythonRandom) init(seed uint32) {
	r.state[0] = seed
	for i := 1; i < len(r.state); i++ {
		previous := r.state[i-1]
		r.state[i] = 1812433253*(previous^previous>>30) + uint32(i)
	}
}

// initByArray seeds the state with a key: the authors' init_by_array.
func (r *pythonRandom) initByArray(key []uint32) {
	r.init(19650218)
	n := len(r.state)
	i := 1
	step := func(multiplier uint32, add func(uint32) uint32) {
		previous := r.state[i-1]
		r.state[i] = add(r.state[i] ^ (previous^previous>>30)*multiplier)
		if i++; i == n {
			r.state[0] = r.state[n-1]
			i = 1
		}
	}
	for k := range max(n, len(key)) {
		j := k % len(key)
		step(1664525, func(word uint32) uint32 { return word + key[j] + uint32(j) })
	}
	for range n - 1 {
		step(1566083941, func(word uint32) uint32 { return word - uint32(i) })
	}
	r.state[0] = 1 << 31
	r.next = n
}

// word is the next 32 bits.
func (r *pythonRandom) word() uint32 {
	if r.next == len(r.state) {
		r.twist()
		r.next = 0
	}
	y := r.state[r.next]
	r.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (r *pythonRandom) twist() {
	n := len(r.state)
	for i := range n {
		y := r.state[i]&(1<<31) | r.state[(i+1)%n]&(1<<31-1)
		r.state[i] = r.state[(i+397)%n] ^ y>>1 ^ (y&1)*0x9908b0df
	}
}

// below is uniform in [0, n), n at least 1: numbers of as many bits as n has
// are drawn until one is less.
func (r *pythonRandom) below(n uint32) uint32 {
	drop := 32 - bits.Len32(n)
	for {
		if x := r.word() >> drop; x < n {
			return x
		}
	}
}

// shuffle is random.shuffle of a list.
func shuffle[T any](r *pythonRandom, list []T) {
	for i := len(list) - 1; i > 0; i-- {
		j := r.below(uint32(i) + 1)
		list[i], list[j] = list[j], list[i]
	}
}
