package data

import (
	"encoding/binary"
	"hash/fnv"
	"math/bits"
	"math/rand/v2"
)

// Permutation returns the numbers from 0 to n-1 in an order that is a function
// of the keys alone, the same in every release and on every machine.
func Permutation(n int, keys ...int64) []int32 {
	hash := fnv.New128a()
	for _, key := range keys {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(key))
		hash.Write(b[:])
	}
	sum := hash.Sum(nil)
	random := rand.NewPCG(binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:]))
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		j, _ := bits.Mul64(random.Uint64(), uint64(i+1))
		order[i], order[j] = order[j], order[i]
	}
	return order
}
