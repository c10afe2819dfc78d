package dead

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// MoverConfig says how a Mover works.
type MoverConfig struct {
	Partitions     int           // of each keyed layer
	MaxRecordBytes int           // bound of what one message may hold
	Grace          time.Duration // how long whoever had the message may still answer for it; default 30 s
	Pause          time.Duration // how long a failure is waited out, and an idle stream asked; default 2 s
}

// DefaultMoverConfig returns the defaults; partitions and bytes are those of the NATS at hand.
func DefaultMoverConfig() MoverConfig {
	return MoverConfig{Grace: 30 * time.Second, Pause: 2 * time.Second}
}

// MoverDeps is what a Mover works with; all of it is required.
type MoverDeps struct {
	Bus         *bus.Bus
	Checkpoints *bus.Checkpoints
	Decoder     func(layers.Name) pipeline.Decoder
	Observer    pipeline.Observer
	Log         *slog.Logger
	Now         func() time.Time
}

// Mover writes a dead letter, and the verdict that belongs to it, for each signal that JetStream will
// not deliver any more. By itself JetStream never gives up: HAL9's consumers have no bound on
// deliveries. Where an operator sets one, or somebody terminates a message, this is what keeps
// the signal from vanishing. Several processes may run one each.
type Mover struct {
	cfg  MoverConfig
	deps MoverDeps
}

// NewMover returns a mover, or an error where advisories are not captured.
func NewMover(ctx context.Context, cfg MoverConfig, deps MoverDeps) (*Mover, error) {
	if err := deps.Bus.CheckAdvisories(ctx); err != nil {
		return nil, err
	}
	return &Mover{cfg: cfg, deps: deps}, nil
}

// batchMax is how many advisories are handled at a time.
const batchMax = 256

// Run works until ctx ends.
func (m *Mover) Run(ctx context.Context) {
	for ctx.Err() == nil {
		batch, err := m.deps.Bus.Advisories(ctx, batchMax, m.cfg.Pause)
		if len(batch) > 0 {
			err = errors.Join(err, m.handle(ctx, batch))
		}
		if err != nil && ctx.Err() == nil {
			m.deps.Log.WarnContext(ctx, "advisories not handled, trying again", "error", err)
			_ = wait(ctx, m.cfg.Pause)
		}
	}
}

// body is a signal of a message that JetStream gave up on.
type body struct {
	advisory bus.Advisory
	last     bool // of its message
	from     pipeline.Sender
	key      pipeline.StageKey
	delivery pipeline.Delivery
	envelope *layers.Envelope
	records  []pipeline.Record // the letter and the verdict
}

// handle works on a batch, layer by layer.
func (m *Mover) handle(ctx context.Context, batch []bus.Advisory) error {
	bodies := map[layers.Name][]body{}
	var problems []error
	for i := range batch {
		list, err := m.look(ctx, &batch[i])
		if err != nil {
			problems = append(problems, err)
			continue
		}
		for _, b := range list {
			bodies[b.key.Layer] = append(bodies[b.key.Layer], b)
		}
	}
	for layer, list := range bodies {
		if err := m.bury(ctx, layer, list); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// look finds out whether an advisory is about signals that may need letters. Where it is not, or not yet, it
// is done or postponed.
func (m *Mover) look(ctx context.Context, a *bus.Advisory) ([]body, error) {
	key, mine := m.stageOf(a)
	if !mine {
		if strings.HasPrefix(a.Stream, "HAL9_") {
			m.deps.Log.WarnContext(ctx, "a consumer gave up on a message", "stream", a.Stream, "consumer", a.Consumer, "seq", a.Seq, "deliveries", a.Deliveries)
		}
		return nil, a.Done(ctx)
	}
	if age := m.deps.Now().Sub(a.At); age < m.cfg.Grace {
		return nil, a.Later(m.cfg.Grace - max(0, age))
	}
	settled, err := m.settled(ctx, key, a.Seq)
	if err != nil {
		return nil, err
	}
	if !settled {
		return nil, a.Later(m.cfg.Grace + time.Second)
	}
	message, found, err := m.deps.Bus.MessageAt(ctx, a.Stream, a.Seq)
	if err != nil {
		return nil, err
	}
	if !found || !isSignal(key, &message) {
		return nil, a.Done(ctx)
	}
	return m.open(a, key, &message)
}

// stageOf returns the stage whose consumer an advisory is about.
func (m *Mover) stageOf(a *bus.Advisory) (pipeline.StageKey, bool) {
	for _, layer := range layers.Names() {
		for _, key := range pipeline.StagesOf(layer, m.cfg.Partitions) {
			if key.Stream() == a.Stream && key.Durable() == a.Consumer {
				return key, true
			}
		}
	}
	return pipeline.StageKey{}, false
}

// settled reports whether the stage will not come back to a message. A keyed stage reads on from its
// checkpoint, whatever JetStream counts; L1 is handed its messages, and must have had this one.
func (m *Mover) settled(ctx context.Context, key pipeline.StageKey, seq uint64) (bool, error) {
	if key.Shared() {
		delivered, err := m.deps.Bus.Delivered(ctx, key.Stream(), key.Durable())
		return delivered >= seq, err
	}
	offset, err := m.deps.Bus.Settled(ctx, key, m.deps.Checkpoints)
	return offset >= seq, err
}

func isSignal(key pipeline.StageKey, m *bus.Message) bool {
	kinds := m.Header[pipeline.HeaderKind]
	return len(kinds) == 0 || pipeline.IsSignal(key.Layer, kinds[0])
}

// open makes the letters and the verdicts that the stage would have written.
func (m *Mover) open(a *bus.Advisory, key pipeline.StageKey, message *bus.Message) ([]body, error) {
	reason := fmt.Errorf("JetStream gave up after %d deliveries that nobody acknowledged: consumer %s has a bound on deliveries", a.Deliveries, a.Consumer)
	if a.Terminated {
		reason = errors.New("terminated by a consumer: " + clarify(a.Reason))
	}
	delivery := pipeline.Delivery{
		Stream: a.Stream, Seq: a.Seq, Subject: message.Subject, Header: message.Header, Data: message.Data,
		Stored: message.Stored, Attempt: a.Deliveries,
	}
	buried, err := pipeline.Bury(&delivery, m.deps.Decoder(key.Layer), pipeline.Burial{
		Layer: key.Layer, Reason: reason, Attempts: a.Deliveries, Now: m.deps.Now(), MaxRecordBytes: m.cfg.MaxRecordBytes,
	})
	if err != nil {
		return nil, err
	}
	list := make([]body, len(buried))
	for i, b := range buried {
		list[i] = body{
			advisory: *a, last: i == len(buried)-1, key: key, delivery: delivery,
			from: b.From, envelope: b.Envelope, records: b.Records,
		}
	}
	return list, nil
}

func clarify(reason string) string {
	if reason == "" {
		return "it gave no reason"
	}
	return reason
}
