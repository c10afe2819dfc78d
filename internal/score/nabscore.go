package score

import (
	"math"
	"slices"
)

// Profile holds the weights of one application profile of the Numenta Anomaly Benchmark.
type Profile struct{ hit, miss, falseAlarm float64 }

// ProfileStandard weighs a miss as much as nine false alarms.
func ProfileStandard() Profile { return Profile{1, 1, 0.11} }

// ProfileLowFP weighs false alarms twice.
func ProfileLowFP() Profile { return Profile{1, 1, 0.22} }

// ProfileLowFN weighs misses twice.
func ProfileLowFN() Profile { return Profile{1, 2, 0.11} }

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
func scoreRows(all []Series, scores [][]float64, p Profile) (rows []scoredRow, windows int) {
	for i, series := range all {
		n := len(series.Values)
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

func (w window) weigh(row scoredRow, j int, p Profile) scoredRow {
	width := float64(w.right - w.left + 1)
	if j <= w.right {
		row.window = 0
		row.worth = p.hit * sigmoid(-float64(w.right-j+1)/width) / sigmoid(-1)
		return row
	}
	row.worth = p.falseAlarm * sigmoid(float64(j-w.right)/(width-1))
	return row
}

// Score is a score of the benchmark, the threshold it was reached at, and what it rests on.
type Score struct {
	Score, Threshold  float64
	Hits, FalseAlarms int
}

// Best finds the single threshold for all series that scores best.
func Best(all []Series, scores [][]float64, p Profile) Score {
	best := Score{Score: math.Inf(-1)}
	scoreEach(all, scores, p, func(s Score) {
		if s.Score > best.Score {
			best = s
		}
	})
	return best
}

// At scores with a threshold fixed beforehand.
func At(all []Series, scores [][]float64, p Profile, threshold float64) Score {
	var at Score
	scoreEach(all, scores, p, func(s Score) {
		if s.Threshold >= threshold {
			at = s
		}
	})
	return at
}

// scoreEach visits the score at every threshold, from above the highest anomaly down.
func scoreEach(all []Series, scores [][]float64, p Profile, visit func(Score)) {
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
	raw, caught, state := null, map[int]float64{}, Score{Threshold: math.Inf(1)}
	visit(state)
	for i, row := range rows {
		if row.window < 0 {
			state.FalseAlarms++
			raw += row.worth
		} else if old, ok := caught[row.window]; !ok {
			state.Hits++
			caught[row.window] = row.worth
			raw += p.miss + row.worth
		} else if row.worth > old {
			caught[row.window] = row.worth
			raw += row.worth - old
		}
		if i+1 == len(rows) || rows[i+1].anomaly < row.anomaly {
			state.Threshold = row.anomaly
			state.Score = 100 * (raw - null) / (float64(windows)*p.hit - null)
			visit(state)
		}
	}
}
