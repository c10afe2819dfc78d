package tracing

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

// How much is read and sent at once, and how long one waits for more, after a failure, and at the end. A batch that is tried for
// maxPatience is not given to another process meanwhile.
const (
	readMost    = 2000 // verdicts
	readWait    = time.Second
	sendMost    = 200 // traces: about 1 MiB, where receivers take 4
	failPause   = 5 * time.Second
	endPatience = 3 * time.Second
	maxPatience = time.Minute
)

// Deps are what an exporter works with.
type Deps struct {
	Bus *bus.Bus
	Log *slog.Logger
	Now func() time.Time
}

// Exporter reads verdicts and sends traces.
type Exporter struct {
	cfg      Config
	deps     Deps
	tap      *bus.Tap
	picker   *picker
	client   otlptrace.Client
	resource *resourcepb.Resource
	failing  bool // the last batch could not be sent
	counts   counts
}

// New returns an exporter whose consumer exists, so that what is decided from now on is seen.
func New(ctx context.Context, cfg Config, deps Deps) (*Exporter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Exporter{
		cfg: cfg, deps: deps, picker: newPicker(&cfg), client: newClient(&cfg),
		tap: deps.Bus.NewTap(bus.Durable{Stream: pipeline.StreamVerdicts, Name: pipeline.DurableTraces}),
	}
	var err error
	if e.resource, err = newResource(ctx, cfg.Version); err != nil {
		return nil, err
	}
	if err := e.client.Start(ctx); err != nil {
		return nil, err
	}
	return e, e.tap.Open(ctx)
}

// Run works until ctx ends; what it holds then is sent, or left to whoever comes next.
func (e *Exporter) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := e.turn(ctx); err != nil && ctx.Err() == nil {
			e.deps.Log.WarnContext(ctx, "verdicts not read for traces, trying again", "error", err)
			_ = pipeline.Pause(ctx, failPause)
		}
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	if err := e.client.Stop(ending); err != nil {
		e.deps.Log.DebugContext(ctx, "the client of traces did not stop well", "error", err)
	}
}

// turn reads a batch, sends what is to be sent of it and acknowledges it.
func (e *Exporter) turn(ctx context.Context) error {
	batch, err := e.tap.Next(ctx, readMost, readWait)
	if len(batch) == 0 {
		if err == nil {
			e.counts.waiting.Store(0)
		}
		return err
	}
	last := &batch[len(batch)-1]
	e.counts.waiting.Store(last.Waiting())
	if !e.sendAll(ctx, e.choose(batch)) {
		return bus.GiveBack(batch)
	}
	if failed := last.Done(context.WithoutCancel(ctx)); failed != nil {
		return failed
	}
	return err
}

// sendAll sends traces in pieces that receivers take. It returns false where it was asked to stop before it could.
func (e *Exporter) sendAll(ctx context.Context, traces [][]*tracepb.Span) bool {
	trying, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.cfg.Patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		_ = pipeline.Pause(trying, endPatience)
		cancel()
	})
	defer stop()
	for piece := range slices.Chunk(traces, sendMost) {
		err := e.upload(trying, slices.Concat(piece...))
		if err != nil && ctx.Err() != nil {
			return false
		}
		e.report(ctx, len(piece), err)
	}
	return true
}

// choose returns the traces of the verdicts that are to be traced.
func (e *Exporter) choose(batch []bus.Tapped) (traces [][]*tracepb.Span) {
	now := e.deps.Now()
	e.counts.verdicts.Add(uint64(len(batch)))
	for i := range batch {
		m := &batch[i].Message
		c := e.picker.pick(m)
		switch {
		case !c.sampled:
			continue
		case isLate(m, now, e.cfg.MaxAge):
			e.counts.late.Add(1)
			continue
		case !c.within:
			e.counts.rate.Add(1)
			continue
		}
		spans, err := spansOf(m.Data, c.parent, c.own)
		if err != nil {
			e.counts.unreadable.Add(1)
			continue
		}
		traces = append(traces, spans)
	}
	return traces
}

// report counts what became of traces, and says when that changes.
func (e *Exporter) report(ctx context.Context, traces int, err error) {
	if err == nil {
		e.counts.sent.Add(uint64(traces))
	} else {
		e.counts.failed.Add(uint64(traces))
	}
	switch failing := err != nil; {
	case failing == e.failing:
	case failing:
		e.deps.Log.WarnContext(ctx, "traces can't be sent; signals are not affected, verdicts wait to be traced", "longest", e.cfg.MaxAge, "error", err)
	default:
		e.deps.Log.InfoContext(ctx, "traces are sent again")
	}
	e.failing = err != nil
}

// counts is what an exporter has done.
type counts struct{ verdicts, sent, late, rate, failed, unreadable, waiting atomic.Uint64 }

// Counts is what an exporter has done since it began.
type Counts struct {
	Verdicts   uint64 // looked at
	Sent       uint64 // traces
	Late       uint64 // not sent: they had waited too long
	Limited    uint64 // not sent: too many a second
	Failed     uint64 // not sent: the receiver was away or refused
	Unreadable uint64 // not sent: no verdict of HAL9's
	Waiting    uint64 // verdicts that wait to be looked at
}

// Counts returns what was done so far. It may be called from any goroutine.
func (e *Exporter) Counts() Counts {
	c := &e.counts
	return Counts{
		Verdicts: c.verdicts.Load(), Sent: c.sent.Load(), Late: c.late.Load(), Limited: c.rate.Load(), Failed: c.failed.Load(),
		Unreadable: c.unreadable.Load(), Waiting: c.waiting.Load(),
	}
}
