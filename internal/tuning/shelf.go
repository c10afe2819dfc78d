package tuning

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
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

// ErrOther says that the proposal is not the one that is to be applied.
var ErrOther = errors.New("tuning: another proposal")

// Apply makes the proposal of a revision the live version: what somebody has looked at, and none that took its place meanwhile.
func (s *Shelf) Apply(ctx context.Context, layer layers.Name, proposal uint64) (*layers.Tuning, error) {
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
	if state.Proposal != proposal {
		return nil, fmt.Errorf("%w: that of %s has revision %d now, not %d", ErrOther, layer, state.Proposal, proposal)
	}
	t := *state.Shadow
	if err := s.live(ctx, state, &t); err != nil {
		return nil, err
	}
	err = s.values.Delete(ctx, "shadow."+layer.String(), state.shadow)
	if errors.Is(err, bus.ErrChanged) { // Another proposal took its place, which was made for the version before and counts as none.
		err = nil
	}
	return &t, err
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
