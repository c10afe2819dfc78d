package operational

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// nabSeries is one series of the benchmark. Detectors are given its times and values only.
type nabSeries struct {
	name    string
	times   []time.Time
	values  []float64
	windows []nabWindow
}

// nabWindow is a labelled window; both ends belong to it.
type nabWindow struct{ left, right int }

// dataFolder returns where the benchmark data lies, or skips the test.
func dataFolder(tb testing.TB, name string) string {
	tb.Helper()
	root := os.Getenv("HAL9_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	folder := filepath.Join(root, name)
	if _, err := os.Stat(folder); err != nil {
		tb.Skipf("no data in %s; set HAL9_DATA to where it lies: %v", folder, err)
	}
	return folder
}

func loadNAB(tb testing.TB) []nabSeries {
	tb.Helper()
	folder := dataFolder(tb, "nab")
	raw, err := os.ReadFile(filepath.Join(folder, "labels", "combined_windows.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var labels map[string][][2]string
	if err := json.Unmarshal(raw, &labels); err != nil {
		tb.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(folder, "data", "*", "*.csv"))
	if err != nil {
		tb.Fatal(err)
	}
	slices.Sort(paths)
	all := make([]nabSeries, 0, len(paths))
	for _, path := range paths {
		series := loadSeries(tb, path)
		for _, label := range labels[series.name] {
			series.windows = append(series.windows, series.window(tb, label))
		}
		all = append(all, series)
	}
	return all
}

func loadSeries(tb testing.TB, path string) nabSeries {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	series := nabSeries{name: filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)}
	for _, row := range rows[1:] {
		value, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			tb.Fatal(err)
		}
		series.times = append(series.times, parseTime(tb, time.DateTime, row[0]))
		series.values = append(series.values, value)
	}
	return series
}

// window finds the rows of a label.
func (s *nabSeries) window(tb testing.TB, label [2]string) nabWindow {
	tb.Helper()
	from := parseTime(tb, "2006-01-02 15:04:05.000000", label[0])
	to := parseTime(tb, "2006-01-02 15:04:05.000000", label[1])
	w := nabWindow{left: -1, right: -1}
	for i, at := range s.times {
		if w.left < 0 && !at.Before(from) {
			w.left = i
		}
		if !at.After(to) {
			w.right = i
		}
	}
	return w
}

func parseTime(tb testing.TB, layout, text string) time.Time {
	tb.Helper()
	at, err := time.Parse(layout, text)
	if err != nil {
		tb.Fatal(err)
	}
	return at
}
