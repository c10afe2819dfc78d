package tuning

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// State is how the tuning of one layer stands.
type State struct {
	Layer   layers.Name    `json:"layer"`
	Live    layers.Tuning  `json:"live"`
	Shadow  *layers.Tuning `json:"shadow,omitempty"`
	Dropped time.Time      `json:"dropped,omitzero"` // when a proposal was dropped last: what was said before counts no more

	// Unreadable says why what stands in the shadow is no proposal; it is treated as if there were none, and Drop removes it.
	Unreadable string `json:"unreadable,omitempty"`

	// Proposal is the revision of the shadow, by which Apply is told which proposal somebody has looked at; 0 where there is none.
	Proposal uint64 `json:"proposal,omitempty"`

	live, shadow, dropped uint64 // revisions
}

// Tunings is what the layer is told.
func (s *State) Tunings() layers.Tunings {
	return layers.Tunings{Live: s.Live, Shadow: s.Shadow, Revision: max(s.live, s.shadow, s.dropped)}
}

// Since is from when on opinions count for the next proposal.
func (s *State) Since() time.Time {
	if s.Dropped.After(s.Live.At) {
		return s.Dropped
	}
	return s.Live.At
}

// Revision changes with live and shadow, and never comes back: a note that was sent before is not sent again.
func (s *State) Revision() string { return fmt.Sprintf("%d.%d.%d", s.live, s.shadow, s.dropped) }

// Untouched reports whether nothing was ever proposed, as far as the bucket knows: the layer need not be told.
func (s *State) Untouched() bool { return s.live == 0 && s.shadow == 0 && s.dropped == 0 }

// State reads how the tuning of a layer stands.
func (s *Shelf) State(ctx context.Context, layer layers.Name) (*State, error) {
	if !slices.Contains(Layers(), layer) {
		return nil, fmt.Errorf("tuning: %s has no tuning: want L2 or L3", layer)
	}
	state := &State{Layer: layer, Live: layers.Tuning{Layer: layer}}
	for _, part := range []struct {
		key      string
		into     func([]byte) error
		revision *uint64
	}{
		{"live.", func(data []byte) error { return read(data, &state.Live, layer) }, &state.live},
		{"shadow.", func(data []byte) error {
			var t layers.Tuning
			if err := read(data, &t, layer); err != nil { // Anybody may write there.
				state.Unreadable = fmt.Sprintf("shadow.%s in %s: %v", layer, pipeline.BucketTuning, err)
				return nil
			}
			state.Shadow = &t
			return nil
		}, &state.shadow},
		{"dropped.", func(data []byte) error { return json.Unmarshal(data, &state.Dropped) }, &state.dropped},
	} {
		value, err := s.values.Get(ctx, part.key+layer.String())
		if err != nil {
			return nil, err
		}
		if *part.revision = value.Revision; value.Revision == 0 {
			continue
		}
		if err := part.into(value.Data); err != nil {
			return nil, fmt.Errorf("tuning: %s%s in %s: %w", part.key, layer, pipeline.BucketTuning, err)
		}
	}
	if state.Shadow != nil {
		state.Proposal = state.shadow
	}
	return state, nil
}

func read(data []byte, t *layers.Tuning, layer layers.Name) error {
	if err := json.Unmarshal(data, t); err != nil {
		return err
	}
	if t.Layer != layer {
		return fmt.Errorf("it is a tuning of %s", t.Layer)
	}
	return t.Validate()
}

// Note returns what tells a layer how its tuning stands.
func (s *State) Note(now time.Time) (*layers.Note, error) {
	data, err := json.Marshal(s.Tunings())
	if err != nil {
		return nil, fmt.Errorf("tuning: %w", err)
	}
	return &layers.Note{
		ID: strings.Join([]string{"tuning", s.Layer.String(), s.Revision()}, "."), Kind: layers.NoteTuning, At: now.UTC(), Data: data,
	}, nil
}
