package dead_test

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// nats.go 1.55 leaves this one behind where a connection closes just as the first
		// asynchronous publish begins.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

func connect(t *testing.T, server *natstest.Server) *bus.Bus {
	t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = server.ClientURL()
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func provisioned(t *testing.T) (*bus.Bus, *natstest.Server) {
	t.Helper()
	server := natstest.Start(t)
	b := connect(t, server)
	if err := b.Provision(t.Context(), bus.DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	return b, server
}

func newDecoder(tb testing.TB) *ingest.Decoder {
	tb.Helper()
	decoder, err := ingest.New(ingest.DefaultConfig())
	if err != nil {
		tb.Fatal(err)
	}
	return decoder
}

// named is a decoder that can't read anything and gives every message the name that its header says.
type named struct{}

func (named) Decode(*pipeline.Delivery) (*layers.Envelope, error) {
	return nil, layers.Permanent(errors.New("ingest: broken JSON: it ends at byte 7"))
}

func (named) Name(d *pipeline.Delivery) (source, id string) {
	return pipeline.SourceOf(d.Subject), d.HeaderValue("test-id")
}

// noon is when the letters' signals came.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// letter returns the letter that a layer writes for a message.
func letter(tb testing.TB, layer layers.Name, d *pipeline.Delivery, decoder pipeline.Decoder) pipeline.Record {
	tb.Helper()
	d.Stream, d.Stored = pipeline.StreamOf(layer, 0, 1), noon
	buried, err := pipeline.Bury(d, decoder, pipeline.Burial{
		Layer: layer, Reason: errors.New("ingest: broken JSON: it ends at byte 7"), Attempts: 3, Now: noon, MaxRecordBytes: 1 << 20,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return buried[0].Records[0]
}

// rubbish is a letter of L1 on the signal r<i> of source shop.
func rubbish(tb testing.TB, i int) pipeline.Record {
	tb.Helper()
	return letter(tb, layers.NameL1, &pipeline.Delivery{
		Seq: uint64(i + 1), Subject: "hal9.signals.shop", Data: fmt.Appendf(nil, `{"n":%d`, i),
		Header: map[string][]string{"test-id": {fmt.Sprint("r", i)}, "content-type": {"application/json"}, "tag": {"a", "b"}},
	}, named{})
}

// shelve stores letters from one number to another.
func shelve(t *testing.T, b *bus.Bus, from, to int) {
	t.Helper()
	for from < to {
		var list []pipeline.Record
		for ; from < to && len(list) < 4000; from++ {
			list = append(list, rubbish(t, from))
		}
		publish(t, b, list...)
	}
}

func publish(t *testing.T, b *bus.Bus, records ...pipeline.Record) {
	t.Helper()
	if err := b.Publish(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, b *bus.Bus) *dead.Shelf {
	t.Helper()
	shelf, err := dead.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return shelf
}

func choose(t *testing.T, b *bus.Bus, f dead.Filter) []uint64 {
	t.Helper()
	seqs, err := open(t, b).Select(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

// notes is a dead.Report that keeps what it is told.
type notes struct {
	mu      sync.Mutex
	done    int
	said    []string
	failed  map[uint64]string
	advance func(done int) // called with every step; may be nil
}

func (n *notes) Advance(done int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.done = done; n.advance != nil {
		n.advance(done)
	}
}

func (n *notes) Say(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said = append(n.said, text)
}

func (n *notes) Stall(text string) { n.Say(text) }

func (n *notes) Failed(seq uint64, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failed == nil {
		n.failed = map[uint64]string{}
	}
	n.failed[seq] = err.Error()
}

// newRedrive returns a redrive into a layer, as fast as it goes.
func newRedrive(t *testing.T, b *bus.Bus, target layers.Name) (*dead.Redrive, *notes) {
	t.Helper()
	report := &notes{}
	return &dead.Redrive{
		Bus: b, Report: report, Now: time.Now, Options: dead.Options{Patience: time.Minute, Owner: "test"},
		Planner: dead.Planner{Decoder: newDecoder(t), Target: target, Partitions: 1, MaxBytes: b.MaxPayload()},
	}, report
}

// stored returns how often each signal stands in a layer's stream, by the name that its header gives.
func stored(t *testing.T, b *bus.Bus, stream string) map[string]int {
	t.Helper()
	got := map[string]int{}
	err := b.Walk(t.Context(), bus.Window{Stream: stream, HeadersOnly: true}, func(m *bus.Message) bool {
		got[m.Header[pipeline.HeaderSignalID][0]]++
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wantOnce requires that letters 1 to n, which are on signals r0 to r<n-1>, stand in L1 once each.
func wantOnce(t *testing.T, got map[string]int, n int) {
	t.Helper()
	wrong := 0
	for i := range n {
		id := fmt.Sprintf("r%d~redrive-%d", i, i+1)
		if got[id] != 1 {
			if wrong++; wrong < 10 {
				t.Errorf("signal %s is there %d times", id, got[id])
			}
		}
	}
	if len(got) != n || wrong > 0 {
		t.Errorf("%d signals, want %d; %d of them not once", len(got), n, wrong)
	}
}
