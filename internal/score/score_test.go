package score_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/score"
)

func folder(tb testing.TB) string {
	tb.Helper()
	dir, err := score.Folder("../..", "nab")
	if err != nil {
		tb.Skip(err)
	}
	return dir
}

func nab(tb testing.TB) []score.Series {
	tb.Helper()
	all, err := score.LoadNAB(folder(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// anomalies returns what a detector says that looks at each row alone.
func anomalies(all []score.Series, say func(series, row int) float64) [][]float64 {
	scores := make([][]float64, len(all))
	for i := range all {
		for j := range all[i].Values {
			scores[i] = append(scores[i], say(i, j))
		}
	}
	return scores
}

func TestNAB(t *testing.T) {
	all := nab(t)
	rows := 0
	for _, series := range all {
		rows += len(series.Values)
	}
	if len(all) != 58 || rows != 365_558 {
		t.Errorf("%d series with %d rows: want 58 with 365558", len(all), rows)
	}
	silent := anomalies(all, func(int, int) float64 { return 0 })
	if got := score.At(all, silent, score.ProfileStandard(), .1); got.Score != 0 || got.Hits != 0 {
		t.Errorf("a detector that never fires scores %+v: want 0", got)
	}
	always := anomalies(all, func(int, int) float64 { return 1 })
	if got := score.At(all, always, score.ProfileStandard(), .1); got.Hits != 116 || got.Score > -50 {
		t.Errorf("a detector that always fires scores %+v: want all of 116 windows and far less than 0", got)
	}
	// One alarm in the row after the probation, where no window is: it costs at most a false alarm.
	one := anomalies(all, func(series, row int) float64 {
		if series == 0 && row == 1000 {
			return 1
		}
		return 0
	})
	got := score.At(all, one, score.ProfileStandard(), .5)
	if want := -100 * .11 / 232; got.FalseAlarms != 1 || math.Abs(got.Score-want) > 1e-9 {
		t.Errorf("one false alarm scores %+v: want %v", got, want)
	}
	if best := score.Best(all, one, score.ProfileStandard()); best.Score != 0 || !math.IsInf(best.Threshold, 1) {
		t.Errorf("the best threshold for a false alarm is %+v: want the one that nothing reaches", best)
	}
}

func TestPublished(t *testing.T) {
	published, err := score.Published(folder(t))
	if err != nil || math.Abs(published["numenta"]-70.1) > .05 || published["null"] != 0 {
		t.Errorf("published %v, %v", published, err)
	}
}

func TestGroupingAccuracy(t *testing.T) {
	lines := []score.Line{{Event: "a"}, {Event: "a"}, {Event: "b"}, {Event: "c"}}
	for name, c := range map[string]struct {
		predicted []string
		want      float64
	}{
		"other names":    {[]string{"x", "x", "y", "z"}, 1},
		"two are one":    {[]string{"x", "x", "y", "y"}, .5},
		"one is two":     {[]string{"x", "w", "y", "z"}, .5},
		"all are one":    {[]string{"x", "x", "x", "x"}, 0},
		"one goes along": {[]string{"x", "x", "x", "z"}, .25},
	} {
		if got := score.GroupingAccuracy(c.predicted, lines); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestReport(t *testing.T) {
	r := score.Report{LinesPerSecond: 1000}
	r.AddLoghub(map[string][]score.Line{"A": {{Event: "x"}, {Event: "y"}}, "B": {{Event: "x"}}}, map[string][]string{"A": {"1", "1"}, "B": {"2"}})
	text := r.Tables(map[string]float64{"numenta": 70.1})
	for _, want := range []string{"  numenta                             70.1\n> HAL9                                 0.0", "  B                                  1.000", "1000 lines/s"} {
		if !strings.Contains(text, want) {
			t.Errorf("the tables lack %q:\n%s", want, text)
		}
	}
	data, err := json.Marshal(r)
	if want := `{"nab_standard":0,"nab_operational":0,"nab_low_fp":0,"nab_low_fn":0,"ga_mean":0.5,"ga":{"A":0,"B":1},"lines_per_s":1000}`; err != nil || string(data) != want {
		t.Errorf("JSON %s, %v: want %s", data, err, want)
	}
}
