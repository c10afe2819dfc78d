package bus

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/pipeline"
)

// served returns a bus on a provisioned server.
func served(t *testing.T) *Bus {
	t.Helper()
	cfg := DefaultConfig()
	cfg.URL = natstest.Start(t).ClientURL()
	b, err := Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Provision(t.Context(), DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCheckpointIsSavedAgainWhereItsAnswerGotLost saves twice behind the same revision: by the life that did so before and was not
// told, and by another owner, which must not.
func TestCheckpointIsSavedAgainWhereItsAnswerGotLost(t *testing.T) {
	b := served(t)
	for _, c := range []struct {
		stage string
		first bool // there is no checkpoint before it
	}{{"L3.00", true}, {"L3.01", false}} {
		save := func(by *Checkpoints, cp pipeline.Checkpoint) (uint64, error) {
			return by.Save(t.Context(), c.stage, cp)
		}
		mine, other := checkpointsOf(t, b), checkpointsOf(t, b)
		next := pipeline.Checkpoint{Offset: 2, State: []byte("two")}
		if !c.first {
			var err error
			if next.Revision, err = save(mine, pipeline.Checkpoint{Offset: 1, State: []byte("one")}); err != nil {
				t.Fatal(err)
			}
		}
		mine.names(c.stage) // It begins a life where there is none.
		before := *mine.lives[c.stage]
		want, err := save(mine, next)
		if err != nil {
			t.Fatal(err)
		}
		*mine.lives[c.stage] = before
		if got, err := save(mine, next); err != nil || got != want {
			t.Errorf("%s: saved again as %d, %v, want %d", c.stage, got, err, want)
		}
		cp, err := mine.Load(t.Context(), c.stage)
		if err != nil || cp.Revision != want {
			t.Errorf("%s: %v, revision %d, want %d", c.stage, err, cp.Revision, want)
		}
		if state, err := mine.State(t.Context(), c.stage); err != nil || string(state) != "two" {
			t.Errorf("%s: %v, state %q, want two", c.stage, err, state)
		}
		if _, err := save(other, next); !errors.Is(err, pipeline.ErrLeaseLost) {
			t.Errorf("%s: another owner: %v, want %v", c.stage, err, pipeline.ErrLeaseLost)
		}
	}
}

func checkpointsOf(t *testing.T, b *Bus) *Checkpoints {
	t.Helper()
	c, err := b.Checkpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}
