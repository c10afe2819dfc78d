package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// fakeBroker stores records in memory. Each call of Publish takes the next answer; without one it stores everything.
type fakeBroker struct {
	answers []func(records []Record) error
	calls   int
	records []Record
	stored  map[string]struct{} // what Stored returns
	asked   []time.Time         // since when Stored was asked
	behind  []Ledger            // behind what Stored was asked
	backlog Backlog
}

func (b *fakeBroker) Open(context.Context, StageKey, uint64) (Source, Backlog, error) {
	return &fakeSource{}, b.backlog, nil
}

func (b *fakeBroker) Publish(_ context.Context, records []Record) error {
	b.calls++
	if len(b.answers) > 0 {
		answer := b.answers[0]
		b.answers = b.answers[1:]
		return answer(records)
	}
	b.records = append(b.records, records...)
	return nil
}

func (b *fakeBroker) Stored(_ context.Context, _ layers.Name, behind Ledger, since time.Time) (map[string]struct{}, Ledger, error) {
	b.asked, b.behind = append(b.asked, since), append(b.behind, behind)
	return b.stored, nil, nil
}

func (b *fakeBroker) Past(context.Context, StageKey, uint64, uint64, func(*Delivery)) error {
	return nil
}

func (b *fakeBroker) Items(_ context.Context, key StageKey, visit func(layers.Item) bool) error {
	last := map[string]int{}
	for i, r := range b.records {
		last[r.Subject] = i
	}
	for i, r := range b.records {
		name, ok := strings.CutPrefix(r.Subject, SubjectOfItem(key.Layer, key.Partition, ""))
		if ok && last[r.Subject] == i && !visit(layers.Item{Name: name, Data: r.Data}) {
			break
		}
	}
	return nil
}

// fakeSource counts what is settled.
type fakeSource struct{ settled []uint64 }

func (s *fakeSource) Return() {}

func (s *fakeSource) Next(context.Context, time.Duration, int) ([]Delivery, error) { return nil, nil }
func (s *fakeSource) Close()                                                       {}
func (s *fakeSource) Settle(burst []Delivery) error {
	for i := range burst {
		s.settled = append(s.settled, burst[i].Seq)
	}
	return nil
}

// fakeCheckpoints keeps the checkpoint of one stage and all that were ever saved.
type fakeCheckpoints struct {
	now    Checkpoint
	saved  []Checkpoint
	lives  int
	place  Position
	places int // notes of it
}

func (c *fakeCheckpoints) Load(context.Context, string) (Checkpoint, error) {
	cp := c.now
	cp.State = nil
	return cp, nil
}
func (c *fakeCheckpoints) State(context.Context, string) ([]byte, error) { return c.now.State, nil }
func (c *fakeCheckpoints) Save(_ context.Context, _ string, cp Checkpoint) (uint64, error) {
	c.saved = append(c.saved, cp)
	c.now = cp
	c.now.Revision++
	return c.now.Revision, nil
}

func (c *fakeCheckpoints) Lives(context.Context, string, uint64) (int, error) {
	return max(1, c.lives), nil
}

func (c *fakeCheckpoints) Place(context.Context, string) (Position, error) { return c.place, nil }

func (c *fakeCheckpoints) SetPlace(_ context.Context, _ string, at Position) error {
	c.place = at
	c.places++
	return nil
}

func (c *fakeCheckpoints) Tries(context.Context, string, Position) (int, error) { return 0, nil }

func (c *fakeCheckpoints) SetTries(context.Context, string, Position, int) error                 { return nil }
func (c *fakeCheckpoints) Decided(layers.Name, layers.Disposition, time.Duration, time.Duration) {}
func (c *fakeCheckpoints) Final(layers.Name, time.Duration)                                      {}
func (c *fakeCheckpoints) Again(layers.Name)                                                     {}
func (c *fakeCheckpoints) Dead(layers.Name)                                                      {}
func (c *fakeCheckpoints) Restarted(layers.Name)                                                 {}
func (c *fakeCheckpoints) Checkpointed(layers.Name, int)                                         {}

// fakePressure says how far stages are behind.
type fakePressure struct {
	asked atomic.Int64
	told  map[string]time.Duration

	mu     sync.Mutex
	behind map[string]time.Duration
}

func (p *fakePressure) Report(key StageKey, waiting time.Duration) { p.told[key.Name()] = waiting }

func (p *fakePressure) Forget(key StageKey) { delete(p.told, key.Name()) }

func (p *fakePressure) Behind(key StageKey) time.Duration {
	p.asked.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.behind[key.Name()]
}

func (p *fakePressure) set(stage string, waiting time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behind[stage] = waiting
}

// lines keeps what is logged.
type lines struct{ list []string }

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *lines) WithGroup(string) slog.Handler            { return l }
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	text := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "waited" {
			text += " " + a.Value.Duration().Truncate(time.Minute).String()
		}
		return true
	})
	l.list = append(l.list, text)
	return nil
}

// upLayer resolves signals whose text is "down" and hands everything else up.
type upLayer struct{}

func (upLayer) Decide(_ context.Context, e *layers.Envelope) (layers.Decision, error) {
	if e.Text == "down" {
		return layers.Decision{Disposition: layers.DispositionResolved, Reason: "down"}, nil
	}
	return layers.Decision{Disposition: layers.DispositionEscalated, Reason: "up"}, nil
}

// plainText decodes a message into a signal whose id and text are its data.
type plainText struct{}

func (plainText) Decode(d *Delivery) (*layers.Envelope, error) {
	return &layers.Envelope{Signal: layers.Signal{ID: fmt.Sprint("s", d.Seq), Source: "test", Key: "k", Text: string(d.Data)}}, nil
}

func (plainText) Name(d *Delivery) (source, id string) {
	return d.Stream, strconv.FormatUint(d.Seq, 10)
}

// fakes is a stage with everything around it in memory.
type fakes struct {
	*stage

	broker      *fakeBroker
	source      *fakeSource
	checkpoints *fakeCheckpoints
	pressure    *fakePressure
	log         *lines
}

// newFakes returns an opened stage.
func newFakes(tb testing.TB, key StageKey) *fakes {
	tb.Helper()
	f := &fakes{
		broker: &fakeBroker{}, source: &fakeSource{}, checkpoints: &fakeCheckpoints{},
		pressure: &fakePressure{behind: map[string]time.Duration{}, told: map[string]time.Duration{}}, log: &lines{},
	}
	cfg := DefaultConfig()
	deps := Deps{
		Broker: f.broker, Checkpoints: f.checkpoints, Observer: f.checkpoints, Pressure: f.pressure, Log: slog.New(f.log), Now: time.Now,
	}
	var decoder Decoder = Envelopes{}
	if key.Layer == layers.NameL1 {
		decoder = plainText{}
	}
	f.stage = &stage{
		key: key, cfg: cfg, deps: deps, filter: newFilter(key), out: newOutbox(key, cfg.MaxRecordBytes), opened: func() {}, beat: func() {},
		valid: func() bool { return true }, told: &atomic.Uint64{}, watch: newWatch(key.Layer, cfg),
		worker: &layerWorker{key: key, cfg: cfg, deps: deps, layer: upLayer{}, decoder: decoder},
	}
	f.stage.source = f.source
	return f
}
