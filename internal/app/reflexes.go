package app

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/oncall"
	"github.com/2lab-ai/hal9/internal/telemetry"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
	"github.com/2lab-ai/hal9/pipeline"
)

// How the processes of L1 tell each other what they know.
const (
	reflexPeriod = 100 * time.Millisecond
	reflexMost   = 500 // entries at once
	countPeriod  = 2 * time.Second
	prunePeriod  = time.Minute
	reportPeriod = time.Second // between two lines in the log about entries that can't be read
)

// reflexes keeps the board of L1 and the bucket equal.
type reflexes struct {
	app     *App
	bucket  *bus.Reflexes
	board   *reflexive.Board
	process string
	said    time.Time // when something that can't be read was reported last
	untold  time.Time // when something that can't be told was reported last
	ignored atomic.Uint64
}

// newReflexes reads what is known of alerts, and what people said, before L1 decides anything.
func (a *App) newReflexes(ctx context.Context) error {
	bucket, err := a.bus.Reflexes(ctx)
	if err != nil {
		return err
	}
	if a.desk, err = NewDesk(ctx, a.bus, a.decoder); err != nil {
		return err
	}
	name := strings.NewReplacer("/", "_", ".", "_", " ", "_").Replace(a.name)
	a.reflexes = &reflexes{app: a, bucket: bucket, process: name}
	if !a.runs(layers.NameL1) {
		return nil
	}
	a.reflexes.board = a.reflexive.Board()
	a.countReflexes()
	return bucket.Read(ctx, func(e bus.Reflex) { a.reflexes.hear(ctx, e) })
}

// countReflexes shows what L1 answers by itself.
func (a *App) countReflexes() {
	read := func(of func(reflexive.Stats) uint64) func() uint64 {
		return func() uint64 { return of(a.reflexive.Stats()) }
	}
	a.metrics.CountReflexes([]telemetry.Reflex{
		{By: "duplicate", Read: read(func(s reflexive.Stats) uint64 { return s.DuplicateIDs })},
		{By: "repeat", Read: read(func(s reflexive.Stats) uint64 { return s.RepeatedAlerts })},
		{By: "silence", Read: read(func(s reflexive.Stats) uint64 { return s.Silenced })},
		{By: "inhibit", Read: read(func(s reflexive.Stats) uint64 { return s.Inhibited })},
		{By: "ack", Read: read(func(s reflexive.Stats) uint64 { return s.Acknowledged })},
		{By: "flapping", Read: read(func(s reflexive.Stats) uint64 { return s.Flapping })},
	}, a.reflexes.ignored.Load)
}

// hear takes in an entry. One that can't be understood is reported and changes nothing.
func (r *reflexes) hear(ctx context.Context, e bus.Reflex) {
	err := r.board.Hear(e.Name, e.Data)
	if err == nil {
		return
	}
	r.ignored.Add(1)
	if now := time.Now(); now.Sub(r.said) > reportPeriod {
		r.said = now
		r.app.log.WarnContext(ctx, "an entry of the bucket hal9_reflexes is ignored", "entry", e.Name, "error", err)
	}
}

// watchReflexes hears and tells until ctx ends.
func (a *App) watchReflexes(ctx context.Context) {
	r := a.reflexes
	if r.board == nil {
		return
	}
	var hearing sync.WaitGroup
	defer hearing.Wait()
	hearing.Go(func() { r.bucket.Run(ctx, func(e bus.Reflex) { r.hear(ctx, e) }) })
	var pruned, counted time.Time
	every(ctx, reflexPeriod, func(ctx context.Context) {
		now := time.Now()
		if now.Sub(pruned) > prunePeriod {
			r.board.Prune(now)
			pruned = now
		}
		counts := now.Sub(counted) > countPeriod
		if counts {
			counted = now
		}
		r.tell(ctx, counts)
	})
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	r.tell(last, true)
}

// tell stores what the others must hear of.
func (r *reflexes) tell(ctx context.Context, counts bool) {
	process := ""
	if counts {
		process = r.process
	}
	changes := r.board.Changes(process, reflexMost)
	if len(changes) == 0 || !r.app.bus.Connected() {
		r.board.Undone(changes)
		return
	}
	if err := r.store(ctx, changes); err != nil {
		r.board.Undone(changes)
		if now := time.Now(); now.Sub(r.untold) > reportPeriod { // Such as where a storm of alerts has filled the bucket.
			r.untold = now
			r.app.log.WarnContext(ctx, "alerts not told to other processes", "error", err)
		}
		if ctx.Err() == nil {
			_ = pipeline.Pause(ctx, time.Second)
		}
	}
}

// store puts changes into the buckets. An acknowledgement whose alert is over is deleted only where it is still the one that was given
// for that.
func (r *reflexes) store(ctx context.Context, changes []reflexive.Change) error {
	entries := make([]bus.Reflex, 0, len(changes))
	for i := range changes {
		c := &changes[i]
		if c.Data == nil && !c.Given.IsZero() {
			if err := r.bucket.Delete(ctx, c.Entry, c.Means); err != nil {
				return err
			}
			continue
		}
		entries = append(entries, bus.Reflex{Name: c.Entry, Data: c.Data, TTL: c.TTL})
	}
	if len(entries) == 0 {
		return nil
	}
	return r.bucket.Put(ctx, entries...)
}

// NewDesk returns where people speak to the processes of L1; the decoder reads their signals.
func NewDesk(ctx context.Context, b *bus.Bus, decoder *ingest.Decoder) (*oncall.Desk, error) {
	bucket, err := b.Reflexes(ctx)
	if err != nil {
		return nil, err
	}
	finder := &oncall.Finder{Bus: b, Stream: pipeline.StreamOf(layers.NameL1, 0, 1), Decode: func(m *bus.Message) (layers.Signal, bool) {
		item, err := decoder.Message(ingest.Message{Subject: m.Subject, Header: m.Header, Data: m.Data, Seq: m.Seq, Stored: m.Stored})
		return item.Signal, err == nil
	}}
	return &oncall.Desk{Bucket: bucket, Now: time.Now, Find: finder.Find}, nil
}
