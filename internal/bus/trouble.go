package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// lives is how many lives of a stage began at one place.
type lives struct {
	First uint64 `json:"first"` // sequence
	Count int    `json:"count"`
}

// Lives implements pipeline.Checkpoints.
func (c *Checkpoints) Lives(ctx context.Context, stage string, first uint64) (int, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	key := "lives." + stage
	var known lives
	entry, err := c.pointers.Get(ctx, key)
	if err = ignoreMissing(err); err != nil {
		return 0, fmt.Errorf("bus: lives of %s: %w", stage, err)
	}
	if entry != nil && json.Unmarshal(entry.Value(), &known) != nil {
		known = lives{} // Written by something else: counting begins anew.
	}
	if known.First != first {
		known = lives{First: first}
	}
	known.Count++
	value, err := json.Marshal(known)
	if err == nil {
		_, err = c.pointers.Put(ctx, key, value)
	}
	if err != nil {
		return 0, fmt.Errorf("bus: lives of %s: %w", stage, err)
	}
	return known.Count, nil
}

// Place implements pipeline.Checkpoints.
func (c *Checkpoints) Place(ctx context.Context, stage string) (at pipeline.Position, err error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	entry, err := c.pointers.Get(ctx, "place."+stage)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return pipeline.Position{}, nil
	}
	if err != nil {
		return pipeline.Position{}, fmt.Errorf("bus: place of %s: %w", stage, err)
	}
	if json.Unmarshal(entry.Value(), &at) != nil {
		return pipeline.Position{}, nil // Written by something else: it is not known.
	}
	return at, nil
}

// SetPlace implements pipeline.Checkpoints.
func (c *Checkpoints) SetPlace(ctx context.Context, stage string, at pipeline.Position) error {
	ctx, cancel := ask(ctx)
	defer cancel()
	value, err := json.Marshal(at)
	if err == nil {
		_, err = c.pointers.Put(ctx, "place."+stage, value)
	}
	if err != nil {
		return fmt.Errorf("bus: place of %s: %w", stage, err)
	}
	return nil
}

func triesKey(stage string, at pipeline.Position) string {
	return "tries." + stage + "." + strconv.FormatUint(at.Seq, 10) + "." + strconv.FormatUint(uint64(at.Index), 10)
}

// Tries implements pipeline.Checkpoints.
func (c *Checkpoints) Tries(ctx context.Context, stage string, at pipeline.Position) (int, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	entry, err := c.pointers.Get(ctx, triesKey(stage, at))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("bus: tries of %s: %w", stage, err)
	}
	tries, err := strconv.Atoi(string(entry.Value()))
	if err != nil {
		return 0, nil // Written by something else: counting begins anew.
	}
	return tries, nil
}

// SetTries implements pipeline.Checkpoints.
func (c *Checkpoints) SetTries(ctx context.Context, stage string, at pipeline.Position, tries int) (err error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	if tries == 0 {
		err = c.pointers.Purge(ctx, triesKey(stage, at))
	} else {
		_, err = c.pointers.Put(ctx, triesKey(stage, at), strconv.AppendInt(nil, int64(tries), 10))
	}
	if err != nil {
		return fmt.Errorf("bus: tries of %s: %w", stage, err)
	}
	return nil
}
