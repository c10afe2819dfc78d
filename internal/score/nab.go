package score

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Series is one series of the Numenta Anomaly Benchmark. Detectors are given Times and Values only.
type Series struct {
	Name    string
	Times   []time.Time
	Values  []float64
	windows []window
}

// window is a labelled window; both ends, rows, belong to it.
type window struct{ left, right int }

// LoadNAB reads the benchmark's series from a folder, in the order of their names, with their windows.
func LoadNAB(folder string) ([]Series, error) {
	var labels map[string][][2]string
	if err := readJSON(filepath.Join(folder, "labels", "combined_windows.json"), &labels); err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(folder, "data", "*", "*.csv"))
	if err != nil {
		return nil, fmt.Errorf("score: series in %s: %w", folder, err)
	}
	slices.Sort(paths)
	all := make([]Series, 0, len(paths))
	for _, path := range paths {
		series, err := loadSeries(path)
		if err != nil {
			return nil, err
		}
		for _, label := range labels[series.Name] {
			w, err := series.window(label)
			if err != nil {
				return nil, err
			}
			series.windows = append(series.windows, w)
		}
		all = append(all, series)
	}
	return all, nil
}

func loadSeries(path string) (Series, error) {
	rows, err := readCSV(path)
	if err != nil {
		return Series{}, err
	}
	series := Series{Name: filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)}
	for i, row := range rows[1:] {
		value, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			return Series{}, fmt.Errorf("score: %s, row %d: %w", path, i+2, err)
		}
		at, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			return Series{}, fmt.Errorf("score: %s, row %d: %w", path, i+2, err)
		}
		series.Times, series.Values = append(series.Times, at), append(series.Values, value)
	}
	return series, nil
}

// window finds the rows of a label.
func (s *Series) window(label [2]string) (window, error) {
	var ends [2]time.Time
	for i, text := range label {
		var err error
		if ends[i], err = time.Parse("2006-01-02 15:04:05.000000", text); err != nil {
			return window{}, fmt.Errorf("score: a window of %s: %w", s.Name, err)
		}
	}
	w := window{left: -1, right: -1}
	for i, at := range s.Times {
		if w.left < 0 && !at.Before(ends[0]) {
			w.left = i
		}
		if !at.After(ends[1]) {
			w.right = i
		}
	}
	return w, nil
}

// Published returns the scores that the benchmark publishes, in the standard profile, by detector.
func Published(folder string) (map[string]float64, error) {
	var results map[string]struct {
		Standard float64 `json:"standard"`
	}
	if err := readJSON(filepath.Join(folder, "published_results.json"), &results); err != nil {
		return nil, err
	}
	scores := map[string]float64{}
	for name, result := range results {
		scores[name] = result.Standard
	}
	return scores, nil
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("score: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("score: %s: %w", path, err)
	}
	return nil
}

// readCSV reads a file with a row of names and at least one more.
func readCSV(path string) ([][]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("score: %s: %w", path, err)
	}
	if len(rows) < 2 {
		return nil, fmt.Errorf("score: %s has %d rows, want names and at least one row", path, len(rows))
	}
	return rows, nil
}
