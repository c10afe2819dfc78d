package bench

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
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

// loadSeries reads the values of every series of NAB, in $HAL9_DATA or beside the project.
func loadSeries() ([][]float64, error) {
	for _, root := range []string{os.Getenv("HAL9_DATA"), filepath.Join("..", "shared", "data")} {
		files, err := filepath.Glob(filepath.Join(root, "nab", "data", "*", "*.csv"))
		if err != nil || root == "" || len(files) == 0 {
			continue
		}
		var all [][]float64
		for _, path := range files {
			values, err := loadValues(path)
			if err != nil {
				return nil, err
			}
			all = append(all, values)
		}
		return all, nil
	}
	return nil, errors.New("bench: NAB's series are neither in $HAL9_DATA nor in ../shared/data")
}

// loadValues reads the second column of a file, below its head.
func loadValues(path string) ([]float64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("bench: read %s: %w", path, err)
	}
	var values []float64
	for _, record := range records[min(1, len(records)):] {
		if len(record) < 2 {
			continue
		}
		value, err := strconv.ParseFloat(record[1], 64)
		if err != nil {
			return nil, fmt.Errorf("bench: read %s: %w", path, err)
		}
		values = append(values, value)
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
