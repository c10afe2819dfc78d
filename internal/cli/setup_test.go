package cli_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
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

// noon is the clock of the tests.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func newDoor(tb testing.TB) cli.Door {
	tb.Helper()
	decoder, err := ingest.New(ingest.DefaultConfig())
	if err != nil {
		tb.Fatal(err)
	}
	return cli.Door{Decoder: decoder, Record: app.SignalRecord, Now: func() time.Time { return noon }}
}

// provisioned returns a connection to a server of the test's own.
func provisioned(t *testing.T) (*bus.Bus, *natstest.Server) {
	t.Helper()
	server := natstest.Start(t)
	b := connect(t, server)
	if err := b.Provision(t.Context(), bus.DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	return b, server
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

// publish stores records, over a restart of the server where need be.
func publish(t *testing.T, b *bus.Bus, records ...pipeline.Record) {
	t.Helper()
	var err error
	for range 200 {
		if err = b.Publish(t.Context(), records); err == nil {
			return
		}
		time.Sleep(25 * time.Millisecond) // The client's own reconnect is what is waited for.
	}
	t.Fatal(err)
}

func encode(tb testing.TB, value any) []byte {
	tb.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func verdictRecord(tb testing.TB, v *layers.Verdict) pipeline.Record {
	tb.Helper()
	return pipeline.Record{
		Subject: pipeline.SubjectOfVerdict(v.Layer, v.Disposition), ID: pipeline.SignalID(v.Source, v.SignalID), Data: encode(tb, v),
	}
}

func situationRecord(tb testing.TB, s *layers.Situation) pipeline.Record {
	tb.Helper()
	return pipeline.Record{Subject: pipeline.SubjectSituations + "." + string(s.Event), Data: encode(tb, s)}
}

func planRecord(tb testing.TB, p *layers.Plan) pipeline.Record {
	tb.Helper()
	return pipeline.Record{Subject: pipeline.SubjectPlans + "." + string(p.Event), Data: encode(tb, p)}
}

// buffer is a bytes.Buffer that may be read while somebody writes.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// waitFor waits until the buffer holds a text.
func (b *buffer) waitFor(t *testing.T, text string) {
	t.Helper()
	for range 1500 {
		if strings.Contains(b.String(), text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%q did not come; there is:\n%s", text, b.String())
}

// signalsIn returns the signals stored in L1, in their order.
func signalsIn(t *testing.T, b *bus.Bus) []layers.Signal {
	t.Helper()
	door := newDoor(t)
	var signals []layers.Signal
	err := b.Since(t.Context(), "HAL9_L1", time.Unix(0, 0), 1_000_000, func(m *bus.Message) {
		item, err := door.Decoder.Message(ingest.Message{Subject: m.Subject, Header: m.Header, Data: m.Data, Seq: m.Seq, Stored: m.Stored})
		if err != nil {
			t.Errorf("message %d: %v", m.Seq, err)
		}
		signals = append(signals, item.Signal)
	})
	if err != nil {
		t.Fatal(err)
	}
	return signals
}
