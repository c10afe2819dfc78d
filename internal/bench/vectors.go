package bench

import (
	"math"
	"math/rand/v2"

	"github.com/2lab-ai/hal9/internal/score"
)

// dimensions is the length of a vector.
const dimensions = 128

// vectors are n vectors of dimensions numbers, one behind the other, each of length 1.
type vectors []float32

func (v vectors) len() int { return len(v) / dimensions }

func (v vectors) at(i int) []float32 { return v[i*dimensions : (i+1)*dimensions] }

// loadVectors returns n vectors and what they are: z-normalised pieces of the Numenta Anomaly Benchmark's series where
// the data is there and long enough, else random walks treated alike.
func loadVectors(n int) (vectors, string) {
	series, err := loadSeries()
	if err == nil {
		const stride = 3
		if v := cut(series, stride, n); v.len() == n {
			return v, "z-normalised pieces of NAB"
		}
	}
	random := rand.New(rand.NewPCG(1, 128))
	walk := make([]float64, 3*n+dimensions)
	for i := 1; i < len(walk); i++ {
		walk[i] = walk[i-1] + random.NormFloat64()
	}
	return cut([][]float64{walk}, 3, n), "pieces of random walks"
}

// loadSeries reads the values of every series of NAB.
func loadSeries() ([][]float64, error) {
	folder, err := score.Folder(".", "nab")
	if err != nil {
		return nil, err
	}
	series, err := score.LoadNAB(folder)
	if err != nil {
		return nil, err
	}
	values := make([][]float64, len(series))
	for i := range series {
		values[i] = series[i].Values
	}
	return values, nil
}

// cut takes pieces off the series, each stride later than the one before, and brings them to mean 0 and length 1. A
// piece that stands still has no shape and is left out.
func cut(series [][]float64, stride, most int) vectors {
	v := make(vectors, 0, most*dimensions)
	for _, values := range series {
		for at := 0; at+dimensions <= len(values) && v.len() < most; at += stride {
			piece := values[at : at+dimensions]
			mean, length := 0., 0.
			for _, x := range piece {
				mean += x / dimensions
			}
			for _, x := range piece {
				length += (x - mean) * (x - mean)
			}
			if length = math.Sqrt(length); length < 1e-9 {
				continue
			}
			for _, x := range piece {
				v = append(v, float32((x-mean)/length))
			}
		}
	}
	return v
}
