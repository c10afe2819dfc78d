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
	return contender{variant.Name, func(ctx context.Context, _ *session, r *rig) error {
		five, err := bare.NewLoop(ctx, r.target(), variant)
		if err != nil {
			return err
		}
		r.onStop(func() error { five.Close(); return nil })
		r.in, r.out, r.heard, r.number = bare.In, bare.StreamOut, bare.Out, numberOf
		r.runOn(ctx, five.Run)
		return nil
	}}
}
