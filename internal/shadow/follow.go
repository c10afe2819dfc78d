package shadow

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/rehearsal"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// FollowOptions say what is followed.
type FollowOptions struct {
	Live, Shadow config.File
	Since        time.Time // from then on, as far as the signals are still there; default from now on
	Count        int       // end after so many signals; 0, the default, for never
	Differs      func(*Difference)
}

// errEnough ends a comparison that has seen what was asked for.
var errEnough = errors.New("shadow: enough")

// Follow compares the configurations over the signals of a running HAL9, until ctx ends or enough were seen. It reads
// through consumers of its own, which end with it.
func Follow(ctx context.Context, b *bus.Bus, o FollowOptions) (Summary, error) {
	start := time.Now()
	if !o.Since.IsZero() {
		start = o.Since
	}
	pair, err := New(o.Live, o.Shadow, start, o.Differs)
	if err != nil {
		return Summary{}, err
	}
	f := &follower{
		pair: pair, options: o, twin: newRecent(twinMost), real: newRecent(twinMost),
		messages: make(chan *bus.Message, 256), verdicts: make(chan *bus.Message, 256),
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return f.read(ctx, b, pipeline.StreamOf(layers.NameL1, 0, 1), f.messages) })
	group.Go(func() error { return f.read(ctx, b, pipeline.StreamVerdicts, f.verdicts) })
	group.Go(func() error { return f.compare(ctx) })
	err = group.Wait()
	if errors.Is(err, errEnough) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return pair.Summary(), err
}

type follower struct {
	pair               *Pair
	options            FollowOptions
	twin               *recent // what the live configuration answered here, and the running HAL9 has not yet
	real               *recent // the other way round
	messages, verdicts chan *bus.Message
}

func (f *follower) read(ctx context.Context, b *bus.Bus, stream string, to chan<- *bus.Message) error {
	err := bus.Follow{Stream: stream, Since: f.options.Since}.Run(ctx, b, func(m *bus.Message) {
		select {
		case to <- m:
		case <-ctx.Done():
		}
	})
	if err == nil {
		err = context.Cause(ctx)
	}
	return err
}

// compare is the one goroutine that knows the pair.
func (f *follower) compare(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var server, local time.Time // when the last message was stored, by the server's clock and when by ours
	for {
		select {
		case m := <-f.messages:
			server, local = m.Stored, time.Now()
			if err := f.take(ctx, m); err != nil {
				return err
			}
		case m := <-f.verdicts:
			f.confirm(m.Data)
		case now := <-ticker.C:
			if server.IsZero() || len(f.messages) > 0 {
				continue
			}
			if err := f.pair.Advance(ctx, server.Add(now.Sub(local))); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (f *follower) take(ctx context.Context, m *bus.Message) error {
	message := rehearsal.Message{Subject: m.Subject, Header: m.Header, Data: m.Data}
	if err := f.pair.Take(ctx, Message{At: m.Stored, Live: message, Shadow: message}); err != nil {
		return err
	}
	if v := f.pair.live.last; v != nil {
		f.meet(v, answerOf(v), f.twin, f.real)
	}
	if s := &f.pair.summary; s.Signals == f.options.Count {
		return errEnough
	}
	return nil
}

// confirm compares a verdict of the running HAL9 with what its configuration gives here.
func (f *follower) confirm(data []byte) {
	var v layers.Verdict
	if pipeline.ReadVerdict(data, &v) != nil {
		return // Anybody may publish there.
	}
	f.meet(&v, answerOf(&v), f.real, f.twin)
}

// meet compares an answer with the other one on the same signal, or keeps it until that comes.
func (f *follower) meet(v *layers.Verdict, a *Answer, own, other *recent) {
	signal := layers.Signal{Source: v.Source, ID: v.SignalID}
	b, ok := other.take(signal.Identity())
	switch {
	case !ok:
		own.add(signal.Identity(), a)
	case same(a, b):
		f.pair.summary.Confirmed++
	default:
		f.pair.summary.Unlike++
	}
}

// twinMost bounds how many answers wait for the other one.
const twinMost = 50_000

// recent holds the last answers.
type recent struct {
	answers map[string]*Answer
	order   []string // a ring
	next    int
}

func newRecent(most int) *recent {
	return &recent{answers: make(map[string]*Answer), order: make([]string, most)}
}

func (r *recent) add(id string, a *Answer) {
	delete(r.answers, r.order[r.next])
	r.answers[id], r.order[r.next] = a, id
	r.next = (r.next + 1) % len(r.order)
}

func (r *recent) take(id string) (*Answer, bool) {
	a, ok := r.answers[id]
	delete(r.answers, id)
	return a, ok
}
