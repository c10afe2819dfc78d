package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// selfish notes how many signals it decides while another goroutine waits for the processor.
type selfish struct {
	upLayer

	turns        *atomic.Int64 // of the other goroutine
	last         int64
	row, longest int
	spins        int
}

func (l *selfish) Decide(ctx context.Context, e *layers.Envelope) (layers.Decision, error) {
	if now := l.turns.Load(); now != l.last {
		l.last, l.row = now, 0
	}
	l.row++
	l.longest = max(l.longest, l.row)
	for began := time.Now(); time.Since(began) < 50*time.Microsecond; { // It keeps the processor busy.
		l.spins++
	}
	return l.upLayer.Decide(ctx, e)
}

// TestStageLetsOthersHaveTheProcessor: whatever renews the leases of a process must not wait behind packs of signals.
func TestStageLetsOthersHaveTheProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const signals = 1000
	var list []*layers.Envelope
	for n := range signals {
		list = append(list, &layers.Envelope{Signal: layers.Signal{ID: strconv.Itoa(n), Source: "s", Key: "k", Text: "up"}})
	}
	data, err := NewPack(list...)
	if err != nil {
		t.Fatal(err)
	}
	key := StageKey{Layer: layers.NameL3, Partitions: 1}
	f := newFakes(t, key)
	layer := &selfish{turns: new(atomic.Int64)}
	f.worker = &layerWorker{key: key, cfg: f.cfg, deps: f.deps, layer: layer, decoder: Envelopes{}}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			layer.turns.Add(1)
			runtime.Gosched()
		}
	}()
	err = f.take(t.Context(), &Delivery{Seq: 1, Subject: "hal9.l3.0", Data: data})
	stop()
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if layer.longest > signals/10 {
		t.Errorf("%d signals in a row were decided while another goroutine waited", layer.longest)
	}
}

// TestCheckDecision asks every layer for every disposition.
func TestCheckDecision(t *testing.T) {
	for _, layer := range layers.Names() {
		for disposition := layers.Disposition(0); disposition <= layers.DispositionDead+1; disposition++ {
			err := CheckDecision(layer, &layers.Decision{Disposition: disposition})
			want := disposition == layers.DispositionSuppressed || disposition == layers.DispositionResolved ||
				disposition == layers.DispositionFolded || disposition == layers.DispositionEscalated && layer != layers.NameL5
			if (err == nil) != want || err != nil && !layers.IsPermanent(err) {
				t.Errorf("%s may answer with %s: %t, permanently not: %v", layer, disposition, want, err)
			}
		}
	}
}

// answer is a layer that answers with one disposition, and takes a while.
type answer struct {
	disposition layers.Disposition
	took        time.Duration
}

func (a answer) Decide(context.Context, *layers.Envelope) (layers.Decision, error) {
	time.Sleep(a.took)
	return layers.Decision{Disposition: a.disposition, Reason: "so it is"}, nil
}

// TestHopsAreWhereASignalWasAndForHowLong looks at a signal that climbs, and at the verdict on one that does not.
func TestHopsAreWhereASignalWasAndForHowLong(t *testing.T) {
	before := layers.Hop{Layer: layers.NameL1, WaitUS: 7, ProcessUS: 8}
	want := []layers.Hop{before, {Layer: layers.NameL3, WaitUS: 2000, ProcessUS: 3000}}
	for name, disposition := range map[string]layers.Disposition{
		"climbs": layers.DispositionEscalated, "ends": layers.DispositionResolved, "dies": layers.DispositionDead,
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
			f.worker.(*layerWorker).layer = answer{disposition, 3 * time.Millisecond}
			data, err := NewPack(&layers.Envelope{Signal: layers.Signal{ID: "a", Source: "s", Key: "k"}, Hops: []layers.Hop{before}})
			if err != nil {
				t.Fatal(err)
			}
			if err := f.take(t.Context(), &Delivery{Seq: 1, Data: data, Stored: time.Now().Add(-2 * time.Millisecond)}); err != nil {
				t.Fatal(err)
			}
			records := f.out.records()
			last := records[len(records)-1]
			var got layers.Verdict
			if disposition == layers.DispositionEscalated {
				err = EachEnvelope(last.Data, func(e *layers.Envelope, _ Sender, _ Position) bool { got.Hops = e.Hops; return true })
			} else {
				err = json.Unmarshal(last.Data, &got)
			}
			if err != nil || !slices.Equal(got.Hops, want) {
				t.Errorf("a signal that %s has the hops %+v (%v), want %+v", name, got.Hops, err, want)
			}
		})
	}
}

// failing is a layer that fails some times.
type failing struct {
	upLayer

	times, calls int
	fail         func() (layers.Decision, error)
}

func (l *failing) Decide(ctx context.Context, e *layers.Envelope) (layers.Decision, error) {
	if l.calls++; l.calls <= l.times {
		return l.fail()
	}
	return l.upLayer.Decide(ctx, e)
}

// TestSignalIsTriedAsOftenAsItMayHelp looks at how often a layer is asked, and at what the letter says of it.
func TestSignalIsTriedAsOftenAsItMayHelp(t *testing.T) {
	most := DefaultConfig().MaxAttempts
	again := func() (layers.Decision, error) { return layers.Decision{}, errors.New("no luck") }
	for name, c := range map[string]struct {
		fail    func() (layers.Decision, error)
		times   int
		calls   int
		letters string // what their attempts are
	}{
		"fails at first":    {again, most - 1, most, ""},
		"fails ever again":  {again, most, most, strconv.Itoa(most)},
		"panics ever again": {func() (layers.Decision, error) { panic("out of range") }, most, most, strconv.Itoa(most)},
		"can never succeed": {func() (layers.Decision, error) { return layers.Decision{}, layers.Permanent(errFull) }, most, 1, "1"},
		"answers what no layer may": {func() (layers.Decision, error) {
			return layers.Decision{Disposition: layers.DispositionDead}, nil
		}, most, 1, "1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakes(t, StageKey{Layer: layers.NameL1, Partitions: 1})
			layer := &failing{times: c.times, fail: c.fail}
			f.worker.(*layerWorker).layer = layer
			if err := f.take(t.Context(), &Delivery{Seq: 1, Attempt: 1, Data: []byte("up")}); err != nil {
				t.Fatal(err)
			}
			var letters []string
			for _, record := range f.out.list {
				letters = append(letters, record.Header[HeaderAttempts])
			}
			if strings.Join(letters, "") != c.letters || layer.calls != c.calls {
				t.Errorf("a layer that %s is asked %d times, letters tell of %q attempts, want %d and %q", name, layer.calls, letters, c.calls, c.letters)
			}
		})
	}
}
