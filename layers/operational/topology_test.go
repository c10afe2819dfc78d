package operational

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// shop is a system of six services that need a database, by different ways, which runs on a host.
var shopCalls = [][2]string{
	{"web", "cart"},
	{"web", "search"},
	{"cart", "orders"},
	{"orders", "payments"},
	{"payments", "db"},
	{"cart", "db"},
	{"search", "catalog"},
	{"catalog", "db"},
	{"orders", "db"},
}

// tellCalls sends ordinary signals that say who calls whom, in one of the ways in which senders do.
func tellCalls(tb testing.TB, l *Layer, s *sent, way string, at time.Time) {
	tb.Helper()
	for i := range 6 {
		for j, call := range shopCalls {
			when := at.Add(time.Duration(i*10+j) * time.Second)
			e := s.text(call[0], when, layers.SeverityInfo, "called")
			switch way {
			case "peer":
				e.Labels = map[string]string{"service.name": call[0], "peer.service": call[1]}
			case "mesh":
				e.Labels = map[string]string{"source_workload": call[0], "destination_workload": call[1]}
			case "payload":
				e.Findings.Mentions = []layers.Mention{{Kind: "caller", Name: call[0]}, {Kind: "callee", Name: call[1]}}
			case "spans":
				trace := fmt.Sprint("t", i)
				e.Labels = map[string]string{"service": call[0], "trace_id": trace, "span_id": "of-" + call[0] + call[1]}
				decide(tb, l, e)
				e = s.text(call[1], when, layers.SeverityInfo, "answered")
				e.Labels = map[string]string{"service": call[1], "trace_id": trace, "span_id": "in-" + call[0] + call[1], "parent_span_id": "of-" + call[0] + call[1]}
			}
			decide(tb, l, e)
		}
	}
}

// cascade returns what an outage of the database brings: its own signal first in event time, then errors of all that need it, in a
// random order of event and arrival, the nearer to the user the louder.
func cascade(random *rand.Rand, s *sent, at time.Time) []*layers.Envelope {
	root := s.flagged("db", at, layers.SeverityWarning, 0.7)
	all := []*layers.Envelope{root}
	for _, name := range []string{"web", "cart", "search", "orders", "payments", "catalog"} {
		first := time.Duration(5+random.IntN(50)) * time.Second
		for range 1 + random.IntN(20) {
			severity := layers.SeverityError + layers.Severity(random.IntN(10)/9)
			all = append(all, s.flagged(name, at.Add(first+time.Duration(random.IntN(60))*time.Second), severity, 0.6+0.3*random.Float64()))
		}
	}
	return delayed(random, all, time.Minute)
}

// rankAfter feeds the signals and returns the entities of the last announcement, and how many situations there were.
func rankAfter(tb testing.TB, l *Layer, all []*layers.Envelope) ([]string, int) {
	tb.Helper()
	ids := map[string]bool{}
	var last *layers.Situation
	for _, e := range all {
		decide(tb, l, e)
		ids[e.Findings.Situation.ID] = true
	}
	for _, event := range l.Tick(all[len(all)-1].ReceivedAt.Add(48 * time.Hour)) {
		if event.Situation != nil && (last == nil || event.Situation.Members > last.Members) {
			last = event.Situation
		}
	}
	names := make([]string, len(last.Entities))
	for i, entity := range last.Entities {
		names[i] = entity.Name
	}
	return names, len(ids)
}

func TestTheCauseOfACascadeRanksFirst(t *testing.T) {
	for _, way := range []string{"peer", "mesh", "payload", "spans"} {
		first, situations := 0, 0
		const runs = 40
		for seed := range uint64(runs) {
			random := rand.New(rand.NewPCG(seed, 8))
			l, s := newLayer(t), &sent{}
			tellCalls(t, l, s, way, midnight)
			all := cascade(random, s, midnight.Add(time.Hour))
			for i, e := range all { // each sends for itself
				e.Source = "of-" + e.Key
				all[i] = e
			}
			names, n := rankAfter(t, l, all)
			situations += n
			if names[0] == "db" {
				first++
			}
		}
		t.Logf("%s: the database ranks first in %d of %d cascades, %d situations", way, first, runs, situations)
		if first < runs-1 || situations > runs+4 {
			t.Errorf("%s: the database ranks first in %d of %d cascades, with %d situations: want all of them, one each", way, first, runs, situations)
		}
	}
}

// TestWithoutTopologyTheEarliestRanksFirst has nothing but the times to go by.
func TestWithoutTopologyTheEarliestRanksFirst(t *testing.T) {
	first, amongTwo := 0, 0
	const runs = 60
	for seed := range uint64(runs) {
		l, s := newLayer(t), &sent{}
		names, _ := rankAfter(t, l, cascade(rand.New(rand.NewPCG(seed, 9)), s, midnight))
		if names[0] == "db" {
			first++
		}
		if slices.Contains(names[:2], "db") {
			amongTwo++
		}
	}
	t.Logf("the database ranks first in %d of %d cascades, among the first two in %d", first, runs, amongTwo)
	if first < runs/3 || amongTwo < runs/2 {
		t.Errorf("the database ranks first in %d and among the first two in %d of %d", first, amongTwo, runs)
	}
}

// TestTheHostOfWhatIsNeededRanksFirst has a host in trouble on which the database runs.
func TestTheHostOfWhatIsNeededRanksFirst(t *testing.T) {
	l, s := newLayer(t), &sent{}
	tellCalls(t, l, s, "peer", midnight)
	for i := range 3 {
		e := s.text("db", midnight.Add(time.Duration(i)*time.Second), layers.SeverityInfo, "up")
		e.Labels = map[string]string{"service": "db", "host": "node-7"}
		decide(t, l, e)
	}
	all := cascade(rand.New(rand.NewPCG(1, 10)), s, midnight.Add(time.Hour))
	host := s.flagged("node-7", midnight.Add(time.Hour+20*time.Second), layers.SeverityWarning, 0.6)
	if names, _ := rankAfter(t, l, append(all, host)); names[0] != "node-7" {
		t.Errorf("ranking %v: want node-7 first", names)
	}
}

// TestTopologyReachesTheCorrelator has another partition learn it from ordinary signals.
func TestTopologyReachesTheCorrelator(t *testing.T) {
	far, err := New(DefaultConfig(), false, conditions)
	if err != nil {
		t.Fatal(err)
	}
	l, s := newLayer(t), &sent{}
	handed := 0
	for i := range 50 {
		e := s.text("web", midnight.Add(time.Duration(i)*time.Second), layers.SeverityInfo, "called")
		e.Labels = map[string]string{"service": "web", "peer.service": "db"}
		if d := decide(t, far, e); d.Correlate {
			handed++
			wantDecision(t, decide(t, l, e), layers.DispositionResolved)
		}
	}
	if handed != 1 || !slices.Equal(l.graph.near("web"), []string{"db"}) || len(l.keys.byID) != 0 {
		t.Errorf("%d were handed on, web is near %v, %d keys: want one, which teaches no baseline", handed, l.graph.near("web"), len(l.keys.byID))
	}
}

func TestTopologyIsBoundedAndWhole(t *testing.T) {
	g := newTopology()
	random := rand.New(rand.NewPCG(3, 3))
	for range 200_000 {
		var l links
		l[linkSelf], l[linkCallee] = fmt.Sprint("s", random.IntN(20_000)), fmt.Sprint("s", random.IntN(20_000))
		g.learn(&l, "key", true)
	}
	if len(g.nodes) > topologyNodes || !g.isWhole() {
		t.Errorf("%d nodes, whole %v", len(g.nodes), g.isWhole())
	}
	for n := range maps.Values(g.nodes) {
		if len(n.needs) > topologyEdges || len(n.users) > topologyEdges {
			t.Fatalf("%s needs %d and is needed by %d", n.name, len(n.needs), len(n.users))
		}
	}
}
