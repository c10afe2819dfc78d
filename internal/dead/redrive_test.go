package dead_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// untimed leaves out what a clock says.
var untimed = cmpopts.IgnoreFields(dead.Outcome{}, "Seconds", "Rate")

func TestRedrivePutsEachLetterBackOnce(t *testing.T) {
	const n = 1200
	b, _ := provisioned(t)
	shelve(t, b, 0, n)
	redrive, report := newRedrive(t, b, layers.NameL1)
	outcome, err := redrive.Run(t.Context(), choose(t, b, dead.Filter{}))
	want := dead.Outcome{Letters: n, Redriven: n, Target: "L1", Reasons: map[string]int{}, Complete: true}
	if diff := cmp.Diff(want, outcome, untimed); err != nil || diff != "" {
		t.Fatalf("%v, outcome (-want +got):\n%s", err, diff)
	}
	if report.done != n || outcome.Seconds <= 0 || outcome.Rate <= 0 {
		t.Errorf("%d settled, %g s, %g/s", report.done, outcome.Seconds, outcome.Rate)
	}
	wantOnce(t, stored(t, b, "HAL9_L1"), n)
	if left := choose(t, b, dead.Filter{}); len(left) != 0 {
		t.Errorf("%d letters are left", len(left))
	}
	all := choose(t, b, dead.Filter{Redriven: true})
	again, err := redrive.Run(t.Context(), all)
	want = dead.Outcome{Letters: n, Before: n, Target: "L1", Reasons: map[string]int{}, Complete: true}
	if diff := cmp.Diff(want, again, untimed); err != nil || diff != "" {
		t.Errorf("%v, outcome of the second run (-want +got):\n%s", err, diff)
	}
	wantOnce(t, stored(t, b, "HAL9_L1"), n)
}

func TestRedrivenMessageIsTheOriginalWithANewName(t *testing.T) {
	b, _ := provisioned(t)
	shelve(t, b, 0, 1)
	redrive, _ := newRedrive(t, b, layers.NameL1)
	if _, err := redrive.Run(t.Context(), []uint64{1}); err != nil {
		t.Fatal(err)
	}
	m, ok, err := b.MessageAt(t.Context(), "HAL9_L1", 1)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	want := map[string][]string{
		"Nats-Msg-Id": {pipeline.SignalID("shop", "r0~redrive-1")}, "content-type": {"application/json"}, "test-id": {"r0"}, "tag": {"a", "b"},
		"Hal9-Redrive-Of": {"r0"}, "Hal9-Signal-Id": {"r0~redrive-1"}, "Hal9-Signal-Source": {"shop"},
		"Hal9-Signal-Received": {"2026-03-04T12:00:00Z"},
	}
	if diff := cmp.Diff(want, m.Header); diff != "" || m.Subject != "hal9.signals.shop" || string(m.Data) != `{"n":0` {
		t.Errorf("%s %s, headers (-want +got):\n%s", m.Subject, m.Data, diff)
	}
}

// unreliable is a store that breaks off: before it stores, in the middle or behind it.
type unreliable struct {
	*bus.Bus
	random *rand.Rand
	broken int
}

var errBroken = errors.New("broke off")

func (u *unreliable) Submit(ctx context.Context, records []pipeline.Record) ([]bus.Stored, error) {
	if u.random.IntN(3) == 0 {
		return u.Bus.Submit(ctx, records)
	}
	u.broken++
	if _, err := u.Bus.Submit(ctx, records[:u.random.IntN(len(records)+1)]); err != nil {
		return nil, err
	}
	return make([]bus.Stored, len(records)), errBroken
}

// TestRedriveIsOnceWhateverBreaks has no window of ids to rest on: what JetStream remembers is
// forgotten before the next life begins.
func TestRedriveIsOnceWhateverBreaks(t *testing.T) {
	const n = 4000
	b, _ := provisioned(t)
	forgetful(t, b)
	shelve(t, b, 0, n)
	redrive, report := newRedrive(t, b, layers.NameL1)
	store := &unreliable{Bus: b, random: rand.New(rand.NewPCG(1, 2))}
	redrive.Store = store
	outcome, err := redrive.Run(t.Context(), choose(t, b, dead.Filter{}))
	want := dead.Outcome{Letters: n, Redriven: n, Target: "L1", Reasons: map[string]int{}, Complete: true}
	if diff := cmp.Diff(want, outcome, untimed); err != nil || diff != "" {
		t.Fatalf("%v, outcome (-want +got):\n%s", err, diff)
	}
	wantOnce(t, stored(t, b, "HAL9_L1"), n)
	if store.broken < 3 || !strings.Contains(strings.Join(report.said, "\n"), "were under way when a redrive was interrupted") {
		t.Errorf("it broke off %d times, want at least 3 for the test to mean anything: %q", store.broken, report.said)
	}
}

// forgetful has JetStream forget ids sooner than a life ends.
func forgetful(t *testing.T, b *bus.Bus) {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "HAL9_L1")
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.Duplicates = 100 * time.Millisecond
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

func TestRedriveGoesOnAfterAnInterruption(t *testing.T) {
	const n = 3000
	b, _ := provisioned(t)
	shelve(t, b, 0, n)
	put := 0
	for runs := 0; put < n; runs++ {
		if runs == 20 {
			t.Fatalf("%d of %d after %d runs", put, n, runs)
		}
		redrive, report := newRedrive(t, b, layers.NameL1)
		ctx, cancel := context.WithCancel(t.Context())
		report.advance = func(int) { cancel() } // A Ctrl-C behind each step.
		outcome, err := redrive.Run(ctx, choose(t, b, dead.Filter{}))
		cancel()
		put += outcome.Redriven
		if put < n && (!errors.Is(err, dead.ErrInterrupted) || outcome.Complete || outcome.Redriven == 0) {
			t.Fatalf("run %d: %v, %+v", runs, err, outcome)
		}
	}
	wantOnce(t, stored(t, b, "HAL9_L1"), n)
}

func TestRedrivesTakeTurns(t *testing.T) {
	const n = 2000
	b, server := provisioned(t)
	shelve(t, b, 0, n)
	seqs := choose(t, b, dead.Filter{})
	outcomes := make([]dead.Outcome, 3)
	var runs sync.WaitGroup
	for i := range outcomes {
		redrive, _ := newRedrive(t, connect(t, server), layers.NameL1)
		runs.Go(func() {
			var err error
			if outcomes[i], err = redrive.Run(t.Context(), seqs); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	total := 0
	for _, outcome := range outcomes {
		total += outcome.Redriven
		if outcome.Redriven+outcome.Before != n {
			t.Errorf("%+v does not account for %d letters", outcome, n)
		}
	}
	wantOnce(t, stored(t, b, "HAL9_L1"), n)
	if total != n {
		t.Errorf("%d redriven together, want %d", total, n)
	}
}

func TestRedriveOutlastsARestart(t *testing.T) {
	const n = 3000
	b, server := provisioned(t)
	shelve(t, b, 0, n)
	seqs := choose(t, b, dead.Filter{})
	redrive, report := newRedrive(t, connect(t, server), layers.NameL1)
	restarted := false
	report.advance = func(done int) {
		if done > n/3 && !restarted {
			restarted = true
			server.Stop()
			server.Restart(t)
		}
	}
	outcome, err := redrive.Run(t.Context(), seqs)
	if err != nil || outcome.Redriven != n || !restarted {
		t.Fatalf("%v, %+v", err, outcome)
	}
	wantOnce(t, stored(t, connect(t, server), "HAL9_L1"), n)
}

// full is a store that has no room at first, but for one record of each batch.
type full struct {
	*bus.Bus
	times int
}

func (f *full) Submit(ctx context.Context, records []pipeline.Record) ([]bus.Stored, error) {
	if f.times--; f.times < 0 {
		return f.Bus.Submit(ctx, records)
	}
	stored, err := f.Bus.Submit(ctx, records[:1])
	if err != nil {
		return nil, err
	}
	return append(stored, make([]bus.Stored, len(records)-1)...), &bus.BusyError{Err: errBroken}
}

func TestRedriveWaitsForRoom(t *testing.T) {
	const n = 30
	b, _ := provisioned(t)
	shelve(t, b, 0, n)
	redrive, report := newRedrive(t, b, layers.NameL1)
	redrive.Store = &full{Bus: b, times: 1}
	outcome, err := redrive.Run(t.Context(), choose(t, b, dead.Filter{}))
	if err != nil || outcome.Redriven != n || len(report.said) != 1 {
		t.Fatalf("%v, %+v, said %q", err, outcome, report.said)
	}
	wantOnce(t, stored(t, b, "HAL9_L1"), n)
	shelve(t, b, n, n+1)
	redrive.Store, redrive.Options.Patience = &full{Bus: b, times: 1000}, time.Nanosecond
	shelve(t, b, n+1, n+3)
	if _, err := redrive.Run(t.Context(), choose(t, b, dead.Filter{})); err == nil || !strings.Contains(err.Error(), "nothing could be stored for 1ns") {
		t.Errorf("without patience: %v", err)
	}
}

func TestRedriveReportsWhatItCannotDo(t *testing.T) {
	b, _ := provisioned(t)
	shelve(t, b, 0, 2)
	truncated, foreign := rubbish(t, 2), rubbish(t, 3)
	truncated.Header[pipeline.HeaderTruncated] = "2000000"
	foreign.Header = nil
	sink := rubbish(t, 4)
	sink.Subject = "hal9.dead.sink"
	publish(t, b, truncated, foreign, sink, pipeline.Record{Subject: "hal9.dead.L3", ID: "x", Data: []byte("rubbish")})
	shelve(t, b, 6, 7)
	redrive, report := newRedrive(t, b, layers.NameL1)
	for _, dry := range []bool{true, false} {
		redrive.Options.DryRun = dry
		outcome, err := redrive.Run(t.Context(), append(choose(t, b, dead.Filter{}), 99))
		want := dead.Outcome{
			Letters: 8, Redriven: 3, Failed: 4, Gone: 1, Target: "L1", Complete: true, DryRun: dry,
			Reasons: map[string]int{
				"only its beginning is kept, # of # bytes":                                1,
				"its headers do not say which signal it is about":                         1,
				"it holds a result for a sink and no signal":                              1,
				"its data is none of HAL9's: pipeline: the message is no pack of signals": 1,
			},
		}
		if diff := cmp.Diff(want, outcome, untimed); err != nil || diff != "" {
			t.Errorf("dry %t: %v, outcome (-want +got):\n%s", dry, err, diff)
		}
		if got := stored(t, b, "HAL9_L1"); dry && len(got) != 0 || !dry && len(got) != 3 {
			t.Errorf("dry %t: %d signals stored", dry, len(got))
		}
	}
	if len(report.failed) != 4 || report.failed[3] == "" || report.failed[6] == "" {
		t.Errorf("failed are %v", report.failed)
	}
}

func TestRedriveAtARate(t *testing.T) {
	const n = 60
	b, _ := provisioned(t)
	shelve(t, b, 0, n)
	redrive, report := newRedrive(t, b, layers.NameL1)
	redrive.Options.Rate = 200
	steps := 0
	report.advance = func(int) { steps++ }
	outcome, err := redrive.Run(t.Context(), choose(t, b, dead.Filter{}))
	if err != nil || outcome.Redriven != n {
		t.Fatalf("%v, %+v", err, outcome)
	}
	// At most a twentieth of a second's signals go at once.
	if steps < n/10 {
		t.Errorf("%d steps, want at least %d", steps, n/10)
	}
	wantOnce(t, stored(t, b, "HAL9_L1"), n)
	for _, bad := range []dead.Options{{Rate: -1, Patience: 1}, {Patience: 0}} {
		redrive.Options = bad
		if _, err := redrive.Run(t.Context(), nil); err == nil {
			t.Errorf("options %+v are taken", bad)
		}
	}
}
