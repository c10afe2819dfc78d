package nearest

import "math/rand/v2"

// walks returns n pieces of a random walk, each three steps later than another, in random order, of mean 0 and length 1: like
// series that are measured, neighbours resemble each other.
func walks(n int) []Vector {
	random := rand.New(rand.NewPCG(1, 2))
	const stride = 3
	series := make([]float64, n*stride+Dimensions)
	for i := 1; i < len(series); i++ {
		series[i] = series[i-1] + random.NormFloat64()
	}
	all := make([]Vector, n)
	for i, at := range random.Perm(n) {
		piece, mean := series[i*stride:i*stride+Dimensions], 0.
		for _, x := range piece {
			mean += x / Dimensions
		}
		for j, x := range piece {
			all[at][j] = float32(x - mean)
		}
		all[at].Normalise()
	}
	return all
}

// clusters returns n vectors around few centres, in the order of their centres: one cluster after the other.
func clusters(n, centres int, spread float64) []Vector {
	random := rand.New(rand.NewPCG(3, 4))
	all := make([]Vector, n)
	var centre Vector
	for i := range all {
		if i%(n/centres) == 0 {
			centre = noise(random, Vector{}, 1)
		}
		all[i] = noise(random, centre, spread)
		all[i].Normalise()
	}
	return all
}

// words returns n vectors with few of 400 words each, of which some are frequent, hashed with signs as L4 does.
func words(n int) []Vector {
	random := rand.New(rand.NewPCG(5, 6))
	all := make([]Vector, n)
	for i := range all {
		for range 5 + random.IntN(8) {
			word := mix(uint64(400 * random.Float64() * random.Float64()))
			sign := float32(1)
			if word>>63 == 1 {
				sign = -1
			}
			all[i][word%Dimensions] += sign
		}
		if !all[i].Normalise() {
			all[i][0] = 1
		}
	}
	return all
}

// repeats returns n vectors of which only a few differ, each there many times.
func repeats(n, distinct int) []Vector {
	random, few := rand.New(rand.NewPCG(7, 8)), words(distinct)
	all := make([]Vector, n)
	for i := range all {
		all[i] = few[random.IntN(distinct)]
	}
	return all
}

func noise(random *rand.Rand, v Vector, spread float64) Vector {
	for i := range v {
		v[i] += float32(random.NormFloat64() * spread)
	}
	return v
}
