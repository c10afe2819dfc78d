package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/pipeline"
)

// Bounds.
const (
	natsTime  = 30 * time.Second       // for all of NATS
	deadTime  = 5 * time.Second        // for reading dead letters
	queueTime = 8 * time.Second        // for measuring queues
	rollQuiet = 700 * time.Millisecond // after which nobody else answers the roll
	deadSince = time.Hour              // how far back dead letters are counted by reason
)

// errNATSTime is what ends the look at NATS.
var errNATSTime = errors.New("it took more than " + natsTime.String())

func (e *examination) lookAtNATS(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, natsTime, errNATSTime)
	defer cancel()
	found := &NATS{URL: redactURL(e.opts.NATS.URL)}
	defer e.note(func(f *Facts) { f.NATS = found })
	b, err := bus.Connect(e.opts.NATS, e.log)
	if err != nil {
		found.Error = redact(command.OneLine(err))
		e.looked("NATS", false, found.Error)
		return
	}
	defer b.Close()
	found.URL = redactURL(b.URL())
	if found.First, err = b.Inspect(ctx); err != nil {
		found.Error, found.Silent = redact(command.OneLine(err)), errors.Is(err, bus.ErrNoJetStream)
		e.looked("NATS", false, found.Error)
		e.callRoll(ctx, b)
		return
	}
	gauge := e.gauge(ctx, b, found.First.Partitions)
	found.FirstQueues = e.queues(ctx, gauge, found.First)
	began := time.Now()
	e.between(ctx, b, found)
	select {
	case <-time.After(time.Until(began.Add(e.opts.Between))):
	case <-ctx.Done():
	}
	found.Last, err = b.Inspect(ctx)
	if err == nil {
		err = context.Cause(ctx) // What it could not list in time would seem to be missing.
	}
	if err != nil {
		found.Last = found.First
		e.looked("NATS, second look", false, command.OneLine(err))
	}
	found.Apart = found.Last.At.Sub(found.First.At)
	found.LastQueues = e.queues(ctx, gauge, found.Last)
	for _, layer := range found.unmeasured() {
		e.looked("queue of "+layer.String(), false, "not measured in "+queueTime.String())
	}
	e.looked("NATS", true, fmt.Sprintf("%s (nats-server %s), %s, %s", found.URL, found.Last.Server.Version,
		plural(len(found.Last.Streams)+len(found.Last.Lost), "stream"), plural(found.Last.Account.Consumers, "consumer")))
}

// between looks at what is looked at once.
func (e *examination) between(ctx context.Context, b *bus.Bus, found *NATS) {
	var wait sync.WaitGroup
	wait.Go(func() { e.callRoll(ctx, b) })
	if found.First.Provisioned {
		wait.Go(func() {
			if census, err := b.Census(ctx); err == nil {
				found.Census = &census
			} else {
				e.looked("who owns which partition", false, command.OneLine(err))
			}
		})
		wait.Go(func() { e.readDead(ctx, b, found) })
		wait.Go(func() { e.readObjectives(ctx, b, found) })
	}
	wait.Wait()
}

func (e *examination) callRoll(ctx context.Context, b *bus.Bus) {
	called := time.Now()
	answers, err := b.CallRoll(ctx, rollQuiet)
	processes, broken := rolled(answers, called)
	e.note(func(f *Facts) {
		for i := range processes {
			f.add(&processes[i])
		}
	})
	switch {
	case err != nil:
		e.looked("processes", false, command.OneLine(err))
	case broken > 0:
		e.looked("processes", false, plural(broken, "answer")+" could not be read: another version?")
	default:
		e.looked("processes", true, plural(len(processes), "process")+" answered over NATS")
	}
}

// gauge returns what measures the layers, nil where that can't be.
func (e *examination) gauge(ctx context.Context, b *bus.Bus, partitions int) *bus.Gauge {
	if partitions == 0 {
		return nil
	}
	gauge, err := b.Gauge(ctx)
	if err != nil {
		e.looked("queues", false, command.OneLine(err))
		return nil
	}
	return gauge
}

// queues measures the layers; those that can't be measured are left out.
func (e *examination) queues(ctx context.Context, gauge *bus.Gauge, seen *bus.Inspection) map[layers.Name]bus.Load {
	if gauge == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, queueTime)
	defer cancel()
	loads, _ := gauge.ReadAll(ctx) // Those that are missing are told by their absence.
	return aged(loads, seen.Skew)
}

// aged has queues as old as they are by the server's clock, which wrote when their signals came.
func aged(queues map[layers.Name]bus.Load, skew time.Duration) map[layers.Name]bus.Load {
	for layer, queue := range queues {
		if queue.Oldest > 0 {
			queue.Oldest = max(0, queue.Oldest+skew)
			queues[layer] = queue
		}
	}
	return queues
}

func (e *examination) readDead(ctx context.Context, b *bus.Bus, found *NATS) {
	ctx, cancel := context.WithTimeout(ctx, deadTime)
	defer cancel()
	shelf, err := dead.Open(ctx, b)
	var sum dead.Summary
	if err == nil {
		sum, err = shelf.Summary(ctx, dead.Filter{Since: time.Now().Add(found.First.Skew - deadSince)})
	}
	if err != nil {
		e.looked("dead letters", false, command.OneLine(err))
		return
	}
	found.Dead, found.DeadAll = &sum, sum.Letters
	if stream, ok := streamIn(found.First, pipeline.StreamDead); ok {
		found.DeadAll = max(sum.Letters, int(stream.Messages)-sum.Redriven)
	}
}

func (e *examination) readObjectives(ctx context.Context, b *bus.Bus, found *NATS) {
	for _, key := range pipeline.ObjectiveStages() {
		data, err := b.Reported(ctx, bus.ReportsOf(key))
		var reports []strategic.Report
		if err == nil && data != nil {
			err = json.Unmarshal(data, &reports)
		}
		if err != nil {
			e.looked("objectives", false, command.OneLine(err))
			continue
		}
		found.Objectives = append(found.Objectives, reports...)
	}
}
