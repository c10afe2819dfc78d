package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/internal/bench/bare"
	"github.com/2lab-ai/hal9/internal/natsserver"
)

// rig is something that runs and takes signals: HAL9 or a bare loop, on a server of its own.
type rig struct {
	client    *bare.Client // feeds and reads; a connection of its own
	publisher *bare.Publisher
	in        string                         // subject to publish to
	out       string                         // stream of the results, one for each signal
	heard     string                         // subject of the results
	number    func(data []byte) (int, error) // which signal a result answers
	failed    <-chan error                   // what ended it by itself
	stop      func() error
}

// contender is something that can be measured.
type contender struct {
	name  string
	start func(ctx context.Context, s *session) (*rig, error)
}

// serve starts a server with the settings of `hal9 up` in a fresh folder.
func (s *session) serve() (*natsserver.Server, func(), error) {
	dir, remove, err := s.store()
	if err != nil {
		return nil, nil, err
	}
	cfg := natsserver.DefaultConfig()
	cfg.DataDir, cfg.Port = dir, 0
	server, err := natsserver.Start(cfg, s.cfg.Log)
	if err != nil {
		remove()
		return nil, nil, err
	}
	return server, func() { server.Stop(); remove() }, nil
}

// newRig connects to a running server.
func newRig(to bare.Target) (*rig, error) {
	client, err := to.Connect()
	if err != nil {
		return nil, err
	}
	publisher, err := client.NewPublisher()
	if err != nil {
		client.Close()
		return nil, err
	}
	return &rig{client: client, publisher: publisher}, nil
}

// standstill is how long a rig may bring nothing before signals count as lost.
const standstill = 20 * time.Second

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
		case err := <-r.failed:
			return errors.Join(errors.New("bench: it stopped by itself"), err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// verify looks for every signal of 0 to n-1 among the results: each must be there once.
func (r *rig) verify(ctx context.Context, n int) error {
	seen := make([]bool, n)
	found := 0
	var wrong error
	err := r.client.Read(ctx, r.out, func(data []byte) {
		i, err := r.number(data)
		switch {
		case err != nil:
		case i < 0 || i >= n:
			err = fmt.Errorf("bench: signal %d was never sent", i)
		case seen[i]:
			err = fmt.Errorf("bench: signal %d came out twice", i)
		default:
			seen[i] = true
			found++
		}
		if wrong == nil {
			wrong = err
		}
	})
	if err != nil {
		return err
	}
	if wrong != nil {
		return wrong
	}
	if found != n {
		return fmt.Errorf("bench: %d of %d signals are missing", n-found, n)
	}
	return nil
}
