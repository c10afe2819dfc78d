package bench

import (
	"context"

	"github.com/2lab-ai/hal9/internal/bench/bare"
)

// loops lists the bare loops.
func loops() []contender {
	var list []contender
	for _, variant := range bare.Variants() {
		list = append(list, loop(variant))
	}
	return list
}

// loop is a bare five-hop loop.
func loop(variant bare.Variant) contender {
	return contender{variant.Name, func(ctx context.Context, s *session) (*rig, error) {
		server, stopServer, err := s.serve()
		if err != nil {
			return nil, err
		}
		to := bare.NewTarget(server.URL(), server.InProcess())
		r, err := newRig(to)
		if err != nil {
			stopServer()
			return nil, err
		}
		five, err := bare.NewLoop(ctx, to, variant)
		if err != nil {
			r.client.Close()
			stopServer()
			return nil, err
		}
		running, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- five.Run(running) }()
		r.in, r.out, r.heard, r.number, r.failed = bare.In, bare.StreamOut, bare.Out, numberOf, ended
		r.stop = func() error {
			cancel()
			err := <-ended
			five.Close()
			r.client.Close()
			stopServer()
			return err
		}
		return r, nil
	}}
}
