package operational

import (
	"math"
	"slices"
)

// profile holds the weights of one application profile of the Numenta Anomaly Benchmark.
type profile struct{ hit, miss, falseAlarm float64 }

var (
	profileStandard = profile{1, 1, 0.11}
	profileLowFP    = profile{1, 1, 0.22}
	profileLowFN    = profile{1, 2, 0.11}
)

// scoredRow is one row after the probationary period: the anomaly score it got, the window it
// lies in (-1 outside) and what a detection there is worth.
type scoredRow struct {
	anomaly float64
	window  int
	worth   float64
}

// sigmoid is the benchmark's scaled sigmoid.
func sigmoid(y float64) float64 {
	if y > 3 {
		return -1
	}
	return 2/(1+math.Exp(5*y)) - 1
}

// scoreRows weighs every row of every series; scores[i][j] is the anomaly of row j of series i.
func scoreRows(all []nabSeries, scores [][]float64, p profile) (rows []scoredRow, windows int) {
	for i, series := range all {
		n := len(series.values)
		probation := min(int(0.15*float64(n)), 750)
		current := -1
		for j := range n {
			for current+1 < len(series.windows) && j >= series.windows[current+1].left {
				current++
			}
			if j >= probation {
				row := scoredRow{anomaly: scores[i][j], window: -1, worth: -p.falseAlarm}
				if current >= 0 {
					row = series.windows[current].weigh(row, j, p)
					if row.window >= 0 {
						row.window = windows + current
					}
				}
				rows = append(rows, row)
			}
		}
		windows += len(series.windows)
	}
	return rows, windows
}

func (w nabWindow) weigh(row scoredRow, j int, p profile) scoredRow {
	width := float64(w.right - w.left + 1)
	if j <= w.right {
		row.window = 0
		row.worth = p.hit * sigmoid(-float64(w.right-j+1)/width) / sigmoid(-1)
		return row
	}
	row.worth = p.falseAlarm * sigmoid(float64(j-w.right)/(width-1))
	return row
}

// nabScore is a score of the benchmark, the threshold it was reached at, and what it rests on.
type nabScore struct {
	score, threshold  float64
	hits, falseAlarms int
}

// scoreBest finds the single threshold for all series that scores best.
func scoreBest(all []nabSeries, scores [][]float64, p profile) nabScore {
	best := nabScore{score: math.Inf(-1)}
	scoreEach(all, scores, p, func(s nabScore) {
		if s.score > best.score {
			best = s
		}
	})
	return best
}

// scoreAt scores with a threshold fixed beforehand.
func scoreAt(all []nabSeries, scores [][]float64, p profile, threshold float64) nabScore {
	var at nabScore
	scoreEach(all, scores, p, func(s nabScore) {
		if s.threshold >= threshold {
			at = s
		}
	})
	return at
}

// scoreEach visits the score at every threshold, from above the highest anomaly down.
func scoreEach(all []nabSeries, scores [][]float64, p profile, visit func(nabScore)) {
	rows, windows := scoreRows(all, scores, p)
	slices.SortStableFunc(rows, func(a, b scoredRow) int {
		switch {
		case a.anomaly > b.anomaly:
			return -1
		case a.anomaly < b.anomaly:
			return 1
		}
		return 0
	})
	null := -float64(windows) * p.miss
	raw, caught, state := null, map[int]float64{}, nabScore{threshold: math.Inf(1)}
	visit(state)
	for i, row := range rows {
		if row.window < 0 {
			state.falseAlarms++
			raw += row.worth
		} else if old, ok := caught[row.window]; !ok {
			state.hits++
			caught[row.window] = row.worth
			raw += p.miss + row.worth
		} else if row.worth > old {
			caught[row.window] = row.worth
			raw += row.worth - old
		}
		if i+1 == len(rows) || rows[i+1].anomaly < row.anomaly {
			state.threshold = row.anomaly
			state.score = 100 * (raw - null) / (float64(windows)*p.hit - null)
			visit(state)
		}
	}
}
