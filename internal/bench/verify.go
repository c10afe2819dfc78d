package bench

import (
	"context"
	"fmt"
)

// verify looks for every signal of 0 to n-1 among the stored results: each must be there once.
func (r *rig) verify(ctx context.Context, n int) error {
	if err := r.await(ctx, n); err != nil { // A result is heard before it is stored.
		return err
	}
	c := newChecklist(n)
	err := r.client.Read(ctx, r.out, func(data []byte) { c.tick(r.number(data)) })
	if err != nil {
		return err
	}
	return c.result()
}

// checklist ticks off signals.
type checklist struct {
	seen  []bool
	found int
	wrong error // the first thing that was
}

func newChecklist(n int) *checklist { return &checklist{seen: make([]bool, n)} }

// tick ticks off signal i, unless it could not be read.
func (c *checklist) tick(i int, err error) {
	switch {
	case err != nil:
	case i < 0 || i >= len(c.seen):
		err = fmt.Errorf("bench: signal %d was never sent", i)
	case c.seen[i]:
		err = fmt.Errorf("bench: signal %d came out twice", i)
	default:
		c.seen[i] = true
		c.found++
	}
	if c.wrong == nil {
		c.wrong = err
	}
}

// result says what is wrong or missing.
func (c *checklist) result() error {
	if c.wrong != nil {
		return c.wrong
	}
	if missing := len(c.seen) - c.found; missing > 0 {
		return fmt.Errorf("bench: %d of %d signals are missing", missing, len(c.seen))
	}
	return nil
}
