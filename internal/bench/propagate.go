package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// arrival is a result that was heard.
type arrival struct {
	number int
	err    error
	at     time.Time
}

// listen returns what is heard from now on; most bounds how much that can be.
func (r *rig) listen(most int) (<-chan arrival, error) {
	arrivals := make(chan arrival, most)
	err := r.client.Listen(r.heard, func(data []byte) {
		at := time.Now()
		i, err := r.number(data)
		select {
		case arrivals <- arrival{i, err, at}:
		default: // More than was sent: the checklist of what came before knows.
		}
	})
	return arrivals, err
}

// hear waits for the next arrival.
func (r *rig) hear(ctx context.Context, arrivals <-chan arrival) (arrival, error) {
	timeout := time.NewTimer(standstill)
	defer timeout.Stop()
	select {
	case a := <-arrivals:
		return a, a.err
	case <-r.ended:
		return arrival{}, errStopped
	case <-timeout.C:
		return arrival{}, fmt.Errorf("bench: nothing came out for %s", standstill)
	case <-ctx.Done():
		return arrival{}, context.Cause(ctx)
	}
}

// propagateIdle sends one signal at a time and waits until its result is heard.
func (r *rig) propagateIdle(ctx context.Context, warmUp, n int) (latency, error) {
	list := r.generate.list(warmUp + n)
	arrivals, err := r.listen(len(list))
	if err != nil {
		return latency{}, err
	}
	samples := make([]time.Duration, 0, n)
	for i, data := range list {
		sent := time.Now()
		if err := r.publisher.Send(r.in, data); err != nil {
			return latency{}, err
		}
		a, err := r.hear(ctx, arrivals)
		if err != nil {
			return latency{}, err
		}
		if a.number != i {
			return latency{}, fmt.Errorf("bench: waited for signal %d and heard %d", i, a.number)
		}
		if i >= warmUp {
			samples = append(samples, a.at.Sub(sent))
		}
		if err := r.publisher.Wait(ctx); err != nil {
			return latency{}, err
		}
	}
	return latencyOf(samples), r.verify(ctx, len(list))
}

// propagateSteady sends signals at a steady rate, whatever comes out, and measures each from the time at which
// it was due.
func (r *rig) propagateSteady(ctx context.Context, warmUp, n int) (latency, error) {
	list := r.generate.list(warmUp + n)
	arrivals, err := r.listen(len(list))
	if err != nil {
		return latency{}, err
	}
	const period = time.Second / steadyRate
	start := time.Now().Add(20 * period)
	group, working := errgroup.WithContext(ctx)
	group.Go(func() error { return r.sendSteadily(working, list, start, period) })
	samples := make([]time.Duration, 0, n)
	group.Go(func() error {
		for range list {
			a, err := r.hear(working, arrivals)
			if err != nil {
				return err
			}
			if a.number >= warmUp {
				samples = append(samples, a.at.Sub(start.Add(time.Duration(a.number)*period)))
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return latency{}, err
	}
	return latencyOf(samples), r.verify(ctx, len(list))
}

func (r *rig) sendSteadily(ctx context.Context, list [][]byte, start time.Time, period time.Duration) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i, data := range list {
		timer.Reset(time.Until(start.Add(time.Duration(i) * period)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := r.publisher.Send(r.in, data); err != nil {
			return err
		}
	}
	return r.publisher.Wait(ctx)
}
