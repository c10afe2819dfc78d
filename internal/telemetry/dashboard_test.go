package telemetry

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/2lab-ai/hal9/layers"
)

// The files that are read beside HAL9's own code.
const (
	dashboardFiles = "../../deploy/dashboards/*.json"
	alertFiles     = "../../deploy/alerts/*.yaml"
)

// dashboard is what this test reads of a dashboard of Grafana.
type dashboard struct {
	UID    string  `json:"uid"`
	Panels []panel `json:"panels"`
}

type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ X, Y, W, H int } `json:"gridPos"`
	Targets []struct{ Expr string }
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob(dashboardFiles)
	if err != nil || len(files) < 3 {
		t.Fatalf("%d dashboards: %v", len(files), err)
	}
	all := map[string]dashboard{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(data, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = d
	}
	return all
}

// TestDashboardsAskForWhatThereIs parses the query of every panel: each metric is one that HAL9 exports, each label one that
// the metric has.
func TestDashboardsAskForWhatThereIs(t *testing.T) {
	known := exported(t)
	for name, d := range dashboards(t) {
		if d.UID != name {
			t.Errorf("%s: uid is %q: links between dashboards need the file's name", name, d.UID)
		}
		for _, p := range d.Panels {
			if p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("%s: panel %q asks for nothing", name, p.Title)
			}
			for _, target := range p.Targets {
				for _, problem := range known.check(target.Expr) {
					t.Errorf("%s: panel %q: %s\n  %s", name, p.Title, problem, target.Expr)
				}
			}
		}
	}
}

// TestPanelsDoNotOverlap looks at where the panels stand.
func TestPanelsDoNotOverlap(t *testing.T) {
	for name, d := range dashboards(t) {
		ids := map[int]bool{}
		for i, p := range d.Panels {
			if ids[p.ID] {
				t.Errorf("%s: id %d twice", name, p.ID)
			}
			ids[p.ID] = true
			a := p.GridPos
			if a.X+a.W > 24 || a.W == 0 || a.H == 0 {
				t.Errorf("%s: panel %q leaves the grid", name, p.Title)
			}
			for _, other := range d.Panels[:i] {
				b := other.GridPos
				if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
					t.Errorf("%s: panels %q and %q overlap", name, p.Title, other.Title)
				}
			}
		}
	}
}

// alertExpr finds the expressions of a file of rules, each of which stands on one line.
var alertExpr = regexp.MustCompile(`(?m)^\s+expr: (.+)$`)

func TestAlertsAskForWhatThereIs(t *testing.T) {
	known := exported(t)
	files, err := filepath.Glob(alertFiles)
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		exprs := alertExpr.FindAllStringSubmatch(string(data), -1)
		if n := strings.Count(string(data), "- alert:"); n == 0 || n != len(exprs) {
			t.Errorf("%s: %d alerts and %d expressions", file, n, len(exprs))
		}
		for _, e := range exprs {
			for _, problem := range known.check(e[1]) {
				t.Errorf("%s: %s\n  %s", file, problem, e[1])
			}
		}
	}
}

// metrics is the labels of each metric by its name.
type metrics map[string][]string

// nameLabel is how Prometheus's parser says a metric's name.
const nameLabel = "__name__"

// placedLabels are those that Prometheus adds at the scrape.
var placedLabels = []string{"instance", "job", "service", "pod"}

// exported returns what a process can export, whatever it runs.
func exported(t *testing.T) metrics {
	t.Helper()
	m := New()
	m.SetBuild("v", "c")
	read := func() uint64 { return 0 }
	m.CountPartitions(layers.Names()[1:2], func(layers.Name) int { return 0 })
	m.CountReflexes([]Reflex{{By: "silence", Read: read}}, read)
	m.CountTraces(Traces{Verdicts: read, Waiting: read, Sent: read, Dropped: map[string]func() uint64{"late": read}})
	descs := make(chan *prometheus.Desc)
	go func() { defer close(descs); m.registry.Describe(descs) }()
	all := metrics{"up": placedLabels}
	for desc := range descs {
		name, labels := readDesc(desc.String())
		all[name] = labels
	}
	scalerMetrics(t, all)
	if len(all) < 40 {
		t.Fatalf("only %d metrics are known", len(all))
	}
	return all
}

// scalerFile is where the metrics of `hal9 scaler` are, which knows its series at the scrape only: their names are read from there.
const scalerFile = "../scaling/metrics.go"

var scalerName = regexp.MustCompile(`gauge\("(\w+)"|Name: "hal9_scaler_(\w+)"`)

func scalerMetrics(t *testing.T, all metrics) {
	t.Helper()
	source, err := os.ReadFile(scalerFile)
	if err != nil {
		t.Fatal(err)
	}
	names := scalerName.FindAllStringSubmatch(string(source), -1)
	if len(names) < 10 {
		t.Fatalf("%s has %d metrics", scalerFile, len(names))
	}
	for _, name := range names {
		all["hal9_scaler_"+name[1]+name[2]] = append([]string{labelLayer, "state", "term"}, placedLabels...)
	}
}

var (
	descName   = regexp.MustCompile(`fqName: "([^"]+)"`)
	descConst  = regexp.MustCompile(`constLabels: \{([^}]*)\}`)
	descLabels = regexp.MustCompile(`variableLabels: \{([^}]*)\}`)
)

func readDesc(text string) (name string, names []string) {
	name = descName.FindStringSubmatch(text)[1]
	for pair := range strings.SplitSeq(descConst.FindStringSubmatch(text)[1], ",") {
		label, _, _ := strings.Cut(pair, "=")
		names = append(names, label)
	}
	return name, append(append(names, strings.Split(descLabels.FindStringSubmatch(text)[1], ",")...), placedLabels...)
}

// check returns what is wrong with a query.
func (m metrics) check(query string) (problems []string) {
	query = strings.NewReplacer("$__rate_interval", "1m", "$layer", "L1|L2").Replace(query)
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		return []string{err.Error()}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			have, ok := m.of(n.Name)
			if !ok {
				problems = append(problems, fmt.Sprintf("HAL9 exports no %q", n.Name))
				return nil
			}
			for _, matcher := range n.LabelMatchers {
				if matcher.Name != nameLabel && !slices.Contains(have, matcher.Name) {
					problems = append(problems, fmt.Sprintf("%s has no label %q", n.Name, matcher.Name))
				}
			}
		case *parser.AggregateExpr:
			problems = append(problems, m.checkGrouping(n)...)
		}
		return nil
	})
	return problems
}

// checkGrouping returns the labels that no metric below an aggregation has.
func (m metrics) checkGrouping(a *parser.AggregateExpr) (problems []string) {
	var have []string
	parser.Inspect(a.Expr, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			labels, _ := m.of(selector.Name)
			have = append(have, labels...)
		}
		return nil
	})
	for _, label := range a.Grouping {
		if !slices.Contains(have, label) {
			problems = append(problems, fmt.Sprintf("nothing below %s by (%s) has label %q", a.Op, strings.Join(a.Grouping, ", "), label))
		}
	}
	return problems
}

// of returns the labels of a metric, or of the series that a histogram has.
func (m metrics) of(name string) (labels []string, ok bool) {
	if labels, ok = m[name]; ok {
		return labels, true
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, found := strings.CutSuffix(name, suffix); found && m[base] != nil {
			return append([]string{"le"}, m[base]...), true
		}
	}
	return nil, false
}
