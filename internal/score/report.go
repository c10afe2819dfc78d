package score

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Report is what `make score` writes.
type Report struct {
	NABStandard    float64            `json:"nab_standard"`    // at the best single threshold
	NABOperational float64            `json:"nab_operational"` // at the shipped threshold, standard profile
	NABLowFP       float64            `json:"nab_low_fp"`
	NABLowFN       float64            `json:"nab_low_fn"`
	GAMean         float64            `json:"ga_mean"` // 0..1
	GA             map[string]float64 `json:"ga"`      // by source
	LinesPerSecond float64            `json:"lines_per_s"`
}

// AddNAB scores anomalies, by series and row, as HAL9 gave them; threshold is the shipped one.
func (r *Report) AddNAB(all []Series, anomalies [][]float64, threshold float64) {
	r.NABStandard = Best(all, anomalies, ProfileStandard()).Score
	r.NABOperational = At(all, anomalies, ProfileStandard(), threshold).Score
	r.NABLowFP = Best(all, anomalies, ProfileLowFP()).Score
	r.NABLowFN = Best(all, anomalies, ProfileLowFN()).Score
}

// AddLoghub scores template ids, by source and line.
func (r *Report) AddLoghub(sources map[string][]Line, ids map[string][]string) {
	r.GA, r.GAMean = map[string]float64{}, 0
	for source, lines := range sources {
		r.GA[source] = GroupingAccuracy(ids[source], lines)
		r.GAMean += r.GA[source] / float64(len(sources))
	}
}

// parsers returns what others reach: mean grouping accuracy over the same eight sources.
func parsers() map[string]float64 {
	return map[string]float64{
		"Brain, tuned for each source": .989, "Drain, tuned for each source": .909, "Drain, one configuration": .846,
		"every token with a digit masked": .804,
	}
}

// Tables returns them with the published scores of the benchmark.
func (r *Report) Tables(published map[string]float64) string {
	var b strings.Builder
	detectors := maps.Clone(published)
	if detectors == nil {
		detectors = map[string]float64{}
	}
	detectors["HAL9"] = r.NABStandard
	b.WriteString("\nNumenta Anomaly Benchmark, standard profile, best single threshold\n")
	table(&b, detectors, "%7.1f")
	fmt.Fprintf(&b, "HAL9's own alarms at its shipped threshold: %.1f; low FP %.1f, low FN %.1f\n", r.NABOperational, r.NABLowFP, r.NABLowFN)
	b.WriteString("\nLoghub, mean grouping accuracy over eight sources, one configuration unless it says otherwise\n")
	means := parsers()
	means["HAL9"] = r.GAMean
	table(&b, means, "%7.3f")
	b.WriteString("\nHAL9 by source\n")
	table(&b, r.GA, "%7.3f")
	fmt.Fprintf(&b, "\nL2 alone, one core: %.0f lines/s\n", r.LinesPerSecond)
	return b.String()
}

// table writes scores, the best first.
func table(b *strings.Builder, scores map[string]float64, format string) {
	names := slices.SortedFunc(maps.Keys(scores), func(a, c string) int {
		return cmp.Or(cmp.Compare(scores[c], scores[a]), cmp.Compare(a, c))
	})
	for _, name := range names {
		mark := " "
		if name == "HAL9" {
			mark = ">"
		}
		fmt.Fprintf(b, "%s %-32s "+format+"\n", mark, name, scores[name])
	}
}
