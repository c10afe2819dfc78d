package strategic

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// Bounds of metrics.
const (
	MaxMetrics    = 50 // beside each other
	maxLabels     = 8
	maxLabelBytes = 128 // of a label's value; a longer one is cut
	maxSeries     = 10_000
	defaultSeries = 1000
	maxBuckets    = 50
)

// What a metric is.
const (
	KindCounter   = "counter"
	KindGauge     = "gauge"
	KindHistogram = "histogram"
)

// OtherLabel is the value of all labels of the series that takes what finds no room.
const OtherLabel = "other"

// Metric makes signals a counter, a gauge or a histogram.
type Metric struct {
	Name      string            `yaml:"name"` // unique; as Prometheus has them; a counter's ends in _total
	Help      string            `yaml:"help"`
	Kind      string            `yaml:"kind"`       // counter, gauge or histogram
	When      string            `yaml:"when"`       // expression over a signal: does it count? default all do
	Value     string            `yaml:"value"`      // expression over a signal: a number; default 1 for a counter, else "value"
	Labels    map[string]string `yaml:"labels"`     // expressions over a signal by label, at most 8
	Buckets   []float64         `yaml:"buckets"`    // upper bounds, rising; default Prometheus's, 0.005 to 10
	MaxSeries int               `yaml:"max_series"` // so many sets of label values, then "other", 1 to 10,000; default 1,000
}

func (m *Metric) series() int {
	if m.MaxSeries == 0 {
		return defaultSeries
	}
	return m.MaxSeries
}

// Bounds returns the upper bounds of a histogram's buckets.
func (m *Metric) Bounds() []float64 {
	if len(m.Buckets) > 0 {
		return m.Buckets
	}
	return []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
}

// LabelNames returns the names of the labels in order.
func (m *Metric) LabelNames() []string { return slices.Sorted(maps.Keys(m.Labels)) }

// mark names the metric's marks. More series or another help change nothing about what was counted.
func (m *Metric) mark() string {
	definition := []string{m.Kind, m.When, m.Value, fmt.Sprint(m.Bounds())}
	for _, name := range m.LabelNames() {
		definition = append(definition, name, m.Labels[name])
	}
	return markOf("metric", m.Name, definition...)
}

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	taken      = regexp.MustCompile(`^(hal9|go|process|promhttp|scrape)_|^up$`)
	derived    = regexp.MustCompile(`_(total|bucket|count|sum|created|info)$`)
)

// validateMetrics reports everything that is wrong with metrics but their expressions.
func validateMetrics(metrics []Metric) error {
	var problems []error
	if n := len(metrics); n > MaxMetrics {
		problems = append(problems, fmt.Errorf("strategic: %d metrics: want at most %d", n, MaxMetrics))
	}
	first := map[string]int{}
	for i := range metrics {
		m := &metrics[i]
		problems = append(problems, m.validate(i))
		if before, taken := first[m.Name]; taken {
			problems = append(problems, fmt.Errorf("strategic: metrics[%d].name is %q, the name of metrics[%d]: want a name of its own", i, m.Name, before))
		}
		first[m.Name] = i
	}
	return errors.Join(problems...)
}

func (m *Metric) validate(i int) error {
	var problems []error
	wrong := func(field, format string, args ...any) {
		problems = append(problems, fmt.Errorf("strategic: metrics[%d].%s "+format, append([]any{i, field}, args...)...))
	}
	switch {
	case !metricName.MatchString(m.Name) || len(m.Name) > maxObjectiveName:
		wrong("name", "is %q: want letters, digits and _, no digit first, at most %d bytes", m.Name, maxObjectiveName)
	case taken.MatchString(m.Name):
		wrong("name", "is %q: names that begin so belong to HAL9, Go and Prometheus", m.Name)
	case m.Kind == KindCounter && !strings.HasSuffix(m.Name, "_total"):
		wrong("name", "is %q: the name of a counter ends in _total, as in %q", m.Name, m.Name+"_total")
	case m.Kind != KindCounter && derived.MatchString(m.Name):
		wrong("name", "is %q: names that end so belong to counters and histograms", m.Name)
	}
	if m.Kind != KindCounter && m.Kind != KindGauge && m.Kind != KindHistogram {
		wrong("kind", "is %q: want counter, gauge or histogram", m.Kind)
	}
	if m.MaxSeries < 0 || m.MaxSeries > maxSeries {
		wrong("max_series", "is %d: want 1 to %d", m.MaxSeries, maxSeries)
	}
	if len(m.Labels) > maxLabels {
		wrong("labels", "are %d: want at most %d", len(m.Labels), maxLabels)
	}
	for _, name := range m.LabelNames() {
		if !metricName.MatchString(name) || strings.HasPrefix(name, "__") || name == "le" || name == "quantile" {
			wrong("labels", "have the name %q: want letters, digits and _, no digit first; le and quantile are Prometheus's own", name)
		}
		if strings.TrimSpace(m.Labels[name]) == "" {
			wrong("labels", "have no expression for %q: want one such as labels.%s", name, name)
		}
	}
	if err := m.validateBuckets(); err != "" {
		wrong("buckets", "%s", err)
	}
	return errors.Join(problems...)
}

func (m *Metric) validateBuckets() string {
	if len(m.Buckets) > 0 && m.Kind != KindHistogram {
		return "are for histograms only"
	}
	if len(m.Buckets) > maxBuckets {
		return fmt.Sprintf("are %d: want at most %d", len(m.Buckets), maxBuckets)
	}
	for i, bound := range m.Buckets {
		if math.IsNaN(bound) || math.IsInf(bound, 0) || i > 0 && bound <= m.Buckets[i-1] {
			return fmt.Sprintf("have %v at %d: want finite numbers that rise", bound, i)
		}
	}
	return ""
}

// recipe is a metric whose expressions can be asked.
type recipe struct {
	metric Metric
	mark   string
	when   layers.Condition[layers.Signal]
	value  func(*layers.Signal) (float64, bool)
	labels []func(*layers.Signal) (string, bool)
}

// compileMetrics compiles all expressions and reports every one that is wrong.
func compileMetrics(metrics []Metric, x Expressions) ([]recipe, error) {
	var problems []error
	failed := func(i int, field string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("strategic: metrics[%d].%s of %q: %w", i, field, metrics[i].Name, err))
		}
	}
	all := make([]recipe, 0, len(metrics))
	for i := range metrics {
		m := &metrics[i]
		r := recipe{metric: *m, mark: m.mark(), when: func(*layers.Signal) bool { return true }, value: one}
		var err error
		if strings.TrimSpace(m.When) != "" {
			r.when, err = x.Signal(m.When)
			failed(i, "when", err)
		}
		if text := m.value(); text != "" {
			r.value, err = x.Number(text)
			failed(i, "value", err)
		}
		for _, name := range m.LabelNames() {
			label, err := x.Text(m.Labels[name])
			failed(i, "labels."+name, err)
			r.labels = append(r.labels, label)
		}
		all = append(all, r)
	}
	return all, errors.Join(problems...)
}

// value returns the expression of the metric's value; empty where it is 1.
func (m *Metric) value() string {
	if text := strings.TrimSpace(m.Value); text != "" || m.Kind == KindCounter {
		return text
	}
	return "value"
}

func one(*layers.Signal) (float64, bool) { return 1, true }
