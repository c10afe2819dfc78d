package app

import (
	"context"
	"errors"

	"github.com/2lab-ai/hal9/internal/outcome"
	"github.com/2lab-ai/hal9/internal/web"
	"github.com/2lab-ai/hal9/layers/tactical"
)

// takeOutcome hands what people say over HTTP to L4, nil where this process neither runs it nor speaks for the whole.
func (a *App) takeOutcome() web.TakeOutcome {
	if a.teller == nil {
		return nil
	}
	return func(ctx context.Context, situation string, o web.Outcome) error {
		word, err := tactical.ParseWord(o.Word)
		if err != nil {
			return web.ErrNoWord
		}
		_, err = a.teller.Say(ctx, situation, word, o.Note)
		if errors.Is(err, outcome.ErrUnknown) {
			return web.ErrNoSituation
		}
		return err
	}
}
