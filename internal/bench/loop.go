package bench

import (
	"context"

	"github.com/2lab-ai/hal9/internal/bench/bare"
)

// loop is a bare loop. It decides nothing, so plain signals are as good as any.
func loop(variant bare.Variant, hops int) contender {
	return contender{variant.Name, plain, func(ctx context.Context, _ *session, r *rig) error {
		chain, err := bare.NewLoop(ctx, r.target(), variant, hops)
		if err != nil {
			return err
		}
		r.onStop(func() error { chain.Close(); return nil })
		r.in, r.out, r.heard, r.number = bare.In, bare.StreamOut, bare.Out, numberOf
		r.runOn(ctx, chain.Run)
		return nil
	}}
}
