package tuning

import (
	"context"
	"errors"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
)

// Derive proposes what follows from all opinions, for every layer. Background returns the features of signals that nobody
// spoke about; it is asked only where a label was given. It returns the layers that have another proposal now.
func (s *Shelf) Derive(ctx context.Context, background func(context.Context) ([][]string, error)) (changed []layers.Name, err error) {
	all, err := s.Feedback(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	for _, layer := range Layers() {
		state, err := s.State(ctx, layer)
		if err != nil {
			return changed, err
		}
		var t *layers.Tuning
		if layer == layers.NameL3 {
			t = Sensitivity(&state.Live, state.Since(), all)
		} else if labelled(all) {
			others, err := background(ctx)
			if err != nil {
				return changed, err
			}
			t = Neurons(&state.Live, state.Since(), all, others)
		}
		if t == nil {
			continue
		}
		isNew, err := s.Propose(ctx, state, t)
		if errors.Is(err, bus.ErrChanged) {
			continue // Somebody else was faster; the next look finds out.
		}
		if err != nil {
			return changed, err
		}
		if isNew {
			changed = append(changed, layer)
		}
	}
	return changed, nil
}

func labelled(all []Feedback) bool {
	for i := range all {
		if all[i].Opinion == OpinionIs {
			return true
		}
	}
	return false
}
