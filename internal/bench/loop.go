package bench

import (
	"context"

	"github.com/2lab-ai/hal9/internal/bench/bare"
)

// loop is a bare five-hop loop. It decides nothing, so plain signals are as good as any.
func loop(variant bare.Variant) contender {
	return contender{variant.Name, plain, func(ctx context.Context, _ *session, r *rig) error {
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
