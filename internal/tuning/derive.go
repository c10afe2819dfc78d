package tuning

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
)

// Witness knows what nobody says.
type Witness struct {
	// Background returns the features of signals that nobody spoke about; it is asked only where a label was given.
	Background func(context.Context) ([][]string, error)
	// Outcomes returns what became of situations, as opinions; it is asked only where somebody said something.
	Outcomes func(context.Context) ([]Feedback, error)
}

// Acted is the opinion that a carried out plan gives on its situation: it was worth knowing.
func Acted(p *layers.Plan, at time.Time) (f Feedback, ok bool) {
	f = Feedback{ID: p.SituationID, Key: p.Key, Opinion: OpinionUseful, Author: "plan " + p.ID, At: at}
	return f, p.Event == layers.PlanExecuted && f.Validate() == nil
}

// Derive proposes what follows from all opinions, for every layer, and returns the layers that have another proposal now.
func (s *Shelf) Derive(ctx context.Context, w Witness) (changed []layers.Name, err error) {
	all, err := s.Feedback(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	outcomes, err := w.Outcomes(ctx)
	if err != nil {
		return nil, err
	}
	all = append(all, outcomes...)
	for _, layer := range Layers() {
		state, err := s.State(ctx, layer)
		if err != nil {
			return changed, err
		}
		var t *layers.Tuning
		if layer == layers.NameL3 {
			t = Sensitivity(&state.Live, state.Since(), all)
		} else if labelled(all) {
			others, err := w.Background(ctx)
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

// Said names what proposals follow from: the opinions, the live versions and what was dropped, but not the proposals.
func (s *Shelf) Said(ctx context.Context) (string, error) {
	var all []string
	for _, prefix := range []string{"feedback.", "live.", "dropped."} {
		if err := s.values.Below(ctx, prefix, func(v bus.Value) { all = append(all, fmt.Sprint(prefix, v.Revision)) }); err != nil {
			return "", err
		}
	}
	slices.Sort(all)
	return digest(strings.Join(all, " ")), nil
}

func labelled(all []Feedback) bool {
	for i := range all {
		if all[i].Opinion == OpinionIs {
			return true
		}
	}
	return false
}
