package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/internal/bench/bare"
	"github.com/2lab-ai/hal9/internal/natsserver"
)

// rig is a server of its own with a contender on it.
type rig struct {
	server    *natsserver.Server
	client    *bare.Client // feeds and reads; a connection of its own
	publisher *bare.Publisher

	generate generator
	in       string                         // subject to publish to
	out      string                         // stream of the results, one for each signal
	heard    string                         // subject of the results
	number   func(data []byte) (int, error) // which signal a result answers

	ended   <-chan struct{} // closed when the contender has ended
	failure error           // why, from then on

	closers []func() error
}

// onStop adds what has to be done when the rig stops, before all that was added earlier.
func (r *rig) onStop(do func() error) { r.closers = append(r.closers, do) }

// stop undoes the start.
func (r *rig) stop() error {
	var problems []error
	for _, do := range slices.Backward(r.closers) {
		problems = append(problems, do())
	}
	return errors.Join(problems...)
}

// start runs a contender on a fresh server with the settings of `hal9 up`.
func (s *session) start(ctx context.Context, c contender) (*rig, error) {
	r := &rig{generate: c.generate}
	if err := s.serve(r); err != nil { //nolint:contextcheck // It is bounded by the server's own start timeout.
		return nil, errors.Join(err, r.stop())
	}
	if err := c.start(ctx, s, r); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

// serve starts the rig's server and connects to it.
func (s *session) serve(r *rig) error {
	dir, remove, err := s.store()
	if err != nil {
		return err
	}
	r.onStop(remove)
	cfg := natsserver.DefaultConfig()
	cfg.DataDir, cfg.Port = dir, 0
	if r.server, err = natsserver.Start(cfg, s.cfg.Log); err != nil {
		return err
	}
	r.onStop(func() error { r.server.Stop(); return nil })
	if r.client, err = r.target().Connect(); err != nil {
		return err
	}
	r.onStop(func() error { r.client.Close(); return nil })
	r.publisher, err = r.client.NewPublisher()
	return err
}

// target is the rig's server, reached without a socket as `hal9 up` reaches it.
func (r *rig) target() bare.Target { return bare.NewTarget(r.server.URL(), r.server.InProcess()) }

// runOn runs work until the rig stops.
func (r *rig) runOn(ctx context.Context, work func(ctx context.Context) error) {
	running, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	r.ended = ended
	go func() {
		defer close(ended)
		r.failure = work(running)
	}()
	r.onStop(func() error {
		cancel()
		<-ended
		return r.failure
	})
}

// standstill is how long a rig may bring nothing before signals count as lost.
const standstill = 20 * time.Second

// errStopped says that a contender ended by itself.
var errStopped = errors.New("bench: it stopped by itself")

// await waits until the results hold n signals.
func (r *rig) await(ctx context.Context, n int) error {
	const period = 10 * time.Millisecond
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	var last uint64
	since := time.Now()
	for {
		count, err := r.client.Count(ctx, r.out)
		if err != nil {
			return err
		}
		if count >= uint64(n) {
			return nil
		}
		if count != last {
			last, since = count, time.Now()
		}
		if time.Since(since) > standstill {
			return fmt.Errorf("bench: %d of %d signals came out, then nothing for %s", count, n, standstill)
		}
		select {
		case <-ticker.C:
		case <-r.ended:
			return errStopped // stop says why
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
