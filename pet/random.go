package pet

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// Random draws the first values of one parameter. The generator and the way to
// its numbers are fixed here, so that a seed means the same in every version.
type Random struct{ source *rand.PCG }

// NewRandom is the generator of a seed and a name: what is drawn for a name
// does not depend on what else is drawn.
func NewRandom(seed uint64, name string) Random {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	return Random{source: rand.NewPCG(seed, hash.Sum64())}
}

// unit is uniform in [0, 1).
func (r Random) unit() float64 { return float64(r.source.Uint64()>>11) * 0x1p-53 }

// Draw makes one value.
type Draw func(r Random) float64

// Uniform draws from [-bound, bound).
func Uniform(bound float64) Draw {
	return func(r Random) float64 { return bound * (2*r.unit() - 1) }
}

// Normal draws from the normal distribution of a standard deviation around
// zero, by the method of Box and Muller.
func Normal(std float64) Draw {
	return func(r Random) float64 {
		radius := math.Sqrt(-2 * math.Log(1-r.unit()))
		return std * radius * math.Cos(2*math.Pi*r.unit())
	}
}
