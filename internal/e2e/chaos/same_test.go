package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
)

// sameConfig keeps clocks out of the answers: what rests on the time of arrival lasts longer than a run, and nothing
// overtakes where something is behind.
const sameConfig = `
rules:
  - {name: health, when: data.path == "/healthz", then: suppress, reason: health checks need nobody}
windows: {dedup: 1d}
in_order: true
`

const samePlaybook = `
playbooks:
  - {name: disk-full, when: 'title.contains("disk")', title: Make room, steps: [delete old logs, grow the volume]}
  - {name: look, when: 'severity < critical', title: Look at it, steps: [open the dashboard]}
`

// TestSameAnswersAsACalmRun publishes the same signals, in the same order, to one process that nobody
// disturbs and to a fleet whose keyed layers are rescaled, killed and restarted, and compares what
// each signal came to. L1 has one replica that nobody touches, so that L2 gets the same in both runs.
//
// What L3 flags meets in one partition, in an order that is not fixed where there are several; so with several
// partitions no two keys have anything in common, and with one they may, and L4 may remember.
func TestSameAnswersAsACalmRun(t *testing.T) {
	s := readSettings(t)
	for name, c := range map[string]struct {
		partitions int
		config     string
		longOnly   bool
	}{
		"one partition":      {1, sameConfig + samePlaybook, true},
		"several partitions": {s.partitions, sameConfig, false},
	} {
		t.Run(name, func(t *testing.T) {
			if c.longOnly && !s.long {
				t.Skip("only in make chaos")
			}
			s := s
			s.partitions = c.partitions
			t.Logf("%s", s)
			s.signals = min(s.signals/5, 50_000)
			script := newScript(s.seed, s.signals, 60)
			script.apart = c.partitions > 1
			script.base, script.step = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 2*time.Hour/time.Duration(s.signals)
			calm := calmRun(t, s, script, c.config)
			disturbed := disturbedRun(t, s, script, c.config)
			if compare(t, calm, disturbed, c.partitions == 1) {
				t.Errorf("faults:\n%s", strikeList(disturbed.strikes))
			}
		})
	}
}

// calmRun lets `hal9 up` answer everything.
func calmRun(t *testing.T, s settings, script *script, config string) *evidence {
	t.Helper()
	dir := newFolder(t, s)
	path, err := binary.Path()
	if err != nil {
		t.Fatal(err)
	}
	log := createFile(t, filepath.Join(dir, "up.log"), "")
	ready := filepath.Join(dir, "up.ready")
	createFile(t, filepath.Join(dir, "hal9.yaml"), config)
	proc, err := proctest.Start(t.Context(), proctest.Program{Path: path, Dir: dir, Log: log, Args: []string{
		"up", "--nats-port", "0", "--http", "127.0.0.1:0", "--data", filepath.Join(dir, "nats"),
		"--partitions", strconv.Itoa(s.partitions), "--config", "hal9.yaml", "--ready-file", ready,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proc.Kill)
	var up struct{ NATS string }
	if err := proc.AwaitFile(ready, readyWithin, &up); err != nil {
		t.Fatal(err)
	}
	e := answers(t, newLoad(script, up.NATS, time.Millisecond), s, nil)
	if err := proc.Stop(stopWithin); err != nil {
		t.Error(err)
	}
	return e
}

// disturbedRun lets a fleet answer everything while it is disturbed.
func disturbedRun(t *testing.T, s settings, script *script, config string) *evidence {
	t.Helper()
	w := newWorld(t, s, config)
	storm := newStorm(w, s, s.same, keyedNames)
	w.startLayers(storm.base)
	e := answers(t, newLoad(script, w.server.url(), storm.expect), s, storm)
	w.fleet.stop()
	for _, text := range w.fleet.oddities() {
		t.Error(text)
	}
	return e
}

// answers publishes everything in order, under a storm where there is one, and reads what came of it.
func answers(t *testing.T, load *load, s settings, storm *storm) *evidence {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute+time.Duration(s.signals)*5*time.Millisecond)
	defer cancel()
	published := make(chan error, 1)
	go func() { published <- load.inOrder(ctx) }()
	var stormed error
	var strikes []strike
	if storm != nil {
		stormed = storm.run(ctx)
		strikes = storm.strikes
	}
	load.released.Store(true)
	if err := errors.Join(stormed, <-published); err != nil {
		t.Errorf("%v\n%s", err, strikeList(strikes))
	}
	js := checker(t, load.url)
	if err := awaitVerdicts(ctx, js, load.acknowledged.Load(), patience); err != nil {
		t.Error(err)
	}
	e := newEvidence(load, s.partitions, strikes)
	if err := e.collect(ctx, js); err != nil {
		t.Fatal(err)
	}
	if !e.found.none() {
		t.Errorf("broken promises:\n%sfaults:\n%ssignals:\n%s", e.found, strikeList(strikes), e.trails(t.Context(), js))
	}
	return e
}

// compare reports where the disturbed run came to something else than the calm one. Situations are compared by
// what was told of them last, plans where memory may be compared.
func compare(t *testing.T, calm, disturbed *evidence, plans bool) (differs bool) {
	t.Helper()
	found := newFindings()
	if a, b := calm.inputOrder(), disturbed.inputOrder(); !slices.Equal(a, b) {
		found.add("L2 gets the same in both runs", "%d signals lie in L2's streams of the calm run, %d in those of the other, or in another order", len(a), len(b))
	}
	for i := range calm.ends {
		a, b := calm.ends[i], disturbed.ends[i]
		if a.layer != b.layer || a.disposition != b.disposition || a.template != b.template || a.situation != b.situation {
			found.addSignal(i, "the same answer to each signal", "(%s, %s of %s) ended as %s and as %s",
				contentNames[calm.script.kind[i]], ordinal(calm.script.seq[i]), calm.script.keyOf(i), a, b)
		}
	}
	for id, a := range calm.situations {
		if b := disturbed.situations[id]; b == nil || a.String() != b.String() {
			found.add("the same situations", "%s is %v and %v", id, a, b)
		}
	}
	for id := range disturbed.situations {
		if calm.situations[id] == nil {
			found.add("the same situations", "%s is in the disturbed run alone", id)
		}
	}
	if plans && calm.plans != disturbed.plans {
		found.add("the same plans", "%d plan events and %d", calm.plans, disturbed.plans)
	}
	t.Logf("%d signals, %d situations, %d plan events compared; calm: %v, disturbed: %v, faults %s",
		len(calm.ends), len(calm.situations), calm.plans, calm.byEnd, disturbed.byEnd, disturbed.faultCounts())
	if !found.none() {
		t.Errorf("calm and disturbed differ:\n%s", found)
	}
	return !found.none()
}

// inputOrder returns the signals in the order in which they lie in L2's streams, one stream after the other.
func (e *evidence) inputOrder() []int {
	var list []int
	for i, at := range e.places[stageL2] {
		if at.stream != 0 {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b int) int {
		x, y := e.places[stageL2][a], e.places[stageL2][b]
		if x.stream != y.stream {
			return int(x.stream) - int(y.stream)
		}
		return int(x.order) - int(y.order)
	})
	return list
}

func (e ending) String() string {
	if e.copies == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%s %s, template %q, situation %q", layerNames[e.layer-1], e.disposition, e.template, e.situation)
}
