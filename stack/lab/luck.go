package lab

import "hash/fnv"

// luck is what happens to one packet at one place, as far as it is random. Its shares depend on nothing but
// what drawLuck was given.
type luck uint64

// The shares of a packet's luck. Each is there whether it is needed or not: to change one impairment is not
// to change the luck of another.
const (
	ofLoss = iota + 1
	ofDuplicate
	ofCorrupt
	ofReorder
	ofJitter
	ofBit
)

// drawLuck returns the luck of the nth packet between two at a place.
func drawLuck(seed uint64, place string, k flowKey, n uint64) luck {
	l := mix(seed)
	for _, s := range []string{place, k.from, k.to} {
		l = mix(l ^ hashOf(s))
	}
	return luck(mix(l ^ n))
}

// share returns the kth number of l, from 0 to below 1.
func (l luck) share(k uint64) float64 {
	return float64(mix(uint64(l)+k)>>11) / (1 << 53)
}

// mix is the output function of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators", 2014), after one step of its generator: every bit of x changes half of those of the result.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func hashOf(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}
