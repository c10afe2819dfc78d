package tuning

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Layers lists those that can be tuned.
func Layers() []layers.Name { return []layers.Name{layers.NameL2, layers.NameL3} }

// ErrNothing says that there is no proposal to apply, or no version to go back to.
var ErrNothing = errors.New("tuning: nothing there")

// maxFeedback bounds how many opinions are kept.
const maxFeedback = 20_000

// Shelf keeps opinions and tunings in the bucket hal9_tuning: live.<layer>, whose last ten values are the versions that can be
// gone back to; shadow.<layer>, the proposal; and feedback.<what>.<author>.
type Shelf struct {
	values *bus.Values
	now    func() time.Time
}

// Open opens the shelf on a provisioned NATS.
func Open(ctx context.Context, b *bus.Bus, now func() time.Time) (*Shelf, error) {
	values, err := b.Values(ctx, pipeline.BucketTuning)
	if err != nil {
		return nil, err
	}
	return &Shelf{values: values, now: now}, nil
}

// Say keeps an opinion. What the same author said of the same thing before is replaced.
func (s *Shelf) Say(ctx context.Context, f *Feedback) error {
	f.At = s.now().UTC()
	if err := f.Validate(); err != nil {
		return err
	}
	data, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("tuning: %w", err)
	}
	what := f.ID
	if f.Opinion != OpinionUseful && f.Opinion != OpinionNoise {
		what = f.Source + "\x00" + f.ID + "\x00" + f.Label // Of one signal several labels may be true.
	}
	key := "feedback." + digest(what) + "." + digest(f.Author)
	before, err := s.values.Get(ctx, key)
	if err != nil {
		return err
	}
	if before.Revision == 0 {
		all, err := s.Feedback(ctx)
		if err != nil {
			return err
		}
		if len(all) >= maxFeedback {
			return fmt.Errorf("tuning: %d opinions are kept already, and no more: apply or drop proposals, and delete old ones", len(all))
		}
	}
	return s.values.Put(ctx, key, data, before.Revision)
}

// digest makes any text a token of a key.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// Feedback returns all opinions, in the order in which they were given.
func (s *Shelf) Feedback(ctx context.Context) ([]Feedback, error) {
	var all []Feedback
	err := s.values.Below(ctx, "feedback.", func(v bus.Value) {
		var f Feedback
		if json.Unmarshal(v.Data, &f) == nil && f.Validate() == nil { // Anybody may write there.
			all = append(all, f)
		}
	})
	return inOrder(all), err
}

// State is how the tuning of one layer stands.
type State struct {
	Layer   layers.Name    `json:"layer"`
	Live    layers.Tuning  `json:"live"`
	Shadow  *layers.Tuning `json:"shadow,omitempty"`
	Dropped time.Time      `json:"dropped,omitzero"` // when a proposal was dropped last: what was said before counts no more

	// Unreadable says why what stands in the shadow is no proposal; it is treated as if there were none, and Drop removes it.
	Unreadable string `json:"unreadable,omitempty"`

	live, shadow, dropped uint64 // revisions
}

// Tunings is what the layer is told.
func (s *State) Tunings() layers.Tunings { return layers.Tunings{Live: s.Live, Shadow: s.Shadow} }

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

// Propose puts a tuning into the shadow of its layer, in place of the proposal before, and reports whether that is another one.
func (s *Shelf) Propose(ctx context.Context, state *State, t *layers.Tuning) (bool, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return false, fmt.Errorf("tuning: %w", err)
	}
	if state.Shadow != nil {
		if before, err := json.Marshal(state.Shadow); err == nil && bytes.Equal(before, data) {
			return false, nil
		}
	}
	return true, s.values.Put(ctx, "shadow."+state.Layer.String(), data, state.shadow)
}

// Apply makes the proposal the live version.
func (s *Shelf) Apply(ctx context.Context, layer layers.Name) (*layers.Tuning, error) {
	state, err := s.State(ctx, layer)
	if err != nil {
		return nil, err
	}
	if state.Shadow == nil {
		return nil, fmt.Errorf("%w: %s has no proposal", ErrNothing, layer)
	}
	if state.Shadow.Version <= state.Live.Version { // It was applied, and whoever did so has not taken it away yet.
		return nil, fmt.Errorf("%w: version %d of %s is applied already", ErrNothing, state.Shadow.Version, layer)
	}
	t := *state.Shadow
	if err := s.live(ctx, state, &t); err != nil {
		return nil, err
	}
	return &t, s.values.Delete(ctx, "shadow."+layer.String(), state.shadow)
}

// Revert makes what the version before the live one said the next version.
func (s *Shelf) Revert(ctx context.Context, layer layers.Name) (*layers.Tuning, error) {
	state, err := s.State(ctx, layer)
	if err != nil {
		return nil, err
	}
	if state.Live.Version == 0 {
		return nil, fmt.Errorf("%w: %s is as configured", ErrNothing, layer)
	}
	versions, err := s.Versions(ctx, layer)
	if err != nil {
		return nil, err
	}
	before := layers.Tuning{Layer: layer}
	if len(versions) > 1 {
		before = versions[len(versions)-2]
	} else if state.Live.Version > 1 {
		return nil, fmt.Errorf("%w: the version before %d is kept no more", ErrNothing, state.Live.Version)
	}
	t := before
	t.Why = []string{fmt.Sprintf("back to version %d", before.Version)}
	if err := s.live(ctx, state, &t); err != nil {
		return nil, err
	}
	if state.Shadow == nil {
		return &t, nil
	}
	return &t, s.values.Delete(ctx, "shadow."+layer.String(), state.shadow) // It was made for the version before.
}

// live stores the next live version.
func (s *Shelf) live(ctx context.Context, state *State, t *layers.Tuning) error {
	t.Version, t.At = state.Live.Version+1, s.now().UTC()
	data, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("tuning: %w", err)
	}
	return s.values.Put(ctx, "live."+state.Layer.String(), data, state.live)
}

// Drop takes the proposal away. What was said up to now makes no other one.
func (s *Shelf) Drop(ctx context.Context, layer layers.Name) error {
	state, err := s.State(ctx, layer)
	if err != nil {
		return err
	}
	if state.Shadow == nil && state.Unreadable == "" {
		return fmt.Errorf("%w: %s has no proposal", ErrNothing, layer)
	}
	data, err := json.Marshal(s.now().UTC())
	if err != nil {
		return fmt.Errorf("tuning: %w", err)
	}
	if err := s.values.Put(ctx, "dropped."+layer.String(), data, state.dropped); err != nil {
		return err
	}
	return s.values.Delete(ctx, "shadow."+layer.String(), state.shadow)
}

// Versions returns the live versions that are kept, the oldest first.
func (s *Shelf) Versions(ctx context.Context, layer layers.Name) ([]layers.Tuning, error) {
	values, err := s.values.History(ctx, "live."+layer.String())
	if err != nil {
		return nil, err
	}
	var list []layers.Tuning
	for _, v := range values {
		var t layers.Tuning
		if read(v.Data, &t, layer) == nil {
			list = append(list, t)
		}
	}
	return list, nil
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
