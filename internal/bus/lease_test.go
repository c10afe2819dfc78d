package bus_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestLeasesFollowTheProcesses(t *testing.T) {
	c := newCrew(t, 60)
	crew := []*mate{c.join(t, "p0")}
	c.balanced(t, crew...)
	for i := range 7 {
		crew = append(crew, c.join(t, fmt.Sprint("p", i+1)))
	}
	c.balanced(t, crew...)
	for layer, want := range map[layers.Name]int{layers.NameL3: 8, layers.NameL4: 0} {
		if got := crew[0].leases.Owned(layer); got != want {
			t.Errorf("%s: the first process owns %d, want %d", layer, got, want)
		}
	}
	for _, m := range crew[2:] {
		m.leave()
	}
	c.balanced(t, crew[:2]...)
}

// TestLeasesMoveNoMoreThanTheyMust counts how often work on a stage began anew.
func TestLeasesMoveNoMoreThanTheyMust(t *testing.T) {
	c := newCrew(t, 60)
	crew := []*mate{c.join(t, "p0"), c.join(t, "p1"), c.join(t, "p2")}
	c.balanced(t, crew...)
	moved := func(what string, want int, do func()) {
		t.Helper()
		before := c.allTurns()
		do()
		n := 0
		for stage, turns := range c.allTurns() {
			n += turns - before[stage]
		}
		if n != want {
			t.Errorf("%s: %d stages moved, want %d", what, n, want)
		}
	}
	moved("a fourth process came", 15, func() {
		crew = append(crew, c.join(t, "p3"))
		c.balanced(t, crew...)
	})
	moved("the second process left", 15, func() {
		crew[1].leave()
		c.balanced(t, crew[0], crew[2], crew[3])
	})
}

// TestLeasesOutliveACrash takes a process off NATS without a word. The others own its stages once its
// session has expired; it has stopped by itself before.
func TestLeasesOutliveACrash(t *testing.T) {
	c := newCrew(t, 60)
	crew := []*mate{c.join(t, "p0"), c.join(t, "p1"), c.join(t, "p2")}
	c.balanced(t, crew...)
	crew[1].crash()
	until(t, "the crashed process works no more", func() bool { return c.owned()["p1"] == 0 })
	c.balanced(t, crew[0], crew[2])
}

func TestLeasesSayWhoOwnsWhat(t *testing.T) {
	c := newCrew(t, 2)
	first := c.join(t, "host/1/abc")
	c.balanced(t, first)
	second := c.join(t, "host/2/def")
	c.balanced(t, first, second)
	for _, stage := range c.stages {
		owner := c.ownerOf(stage)
		for _, m := range []*mate{first, second} {
			if m.name == owner {
				continue
			}
			until(t, m.name+" knows the owner of "+stage, func() bool {
				text, ok := m.leases.Standing(stage)
				return ok && text == "standing by: "+owner+" owns "+stage
			})
		}
	}
	c.server.Stop()
	until(t, "it shows that NATS is away", func() bool {
		text, ok := second.leases.Standing(c.stages[0])
		return !ok && strings.Contains(text, "no session with NATS")
	})
}

// TestLeasesOutliveARestartOfNATS restarts NATS for a moment, in which sessions hold, and for longer, in
// which they do not.
func TestLeasesOutliveARestartOfNATS(t *testing.T) {
	for name, c := range map[string]struct{ away time.Duration }{
		"short": {0}, "long": {bus.LeaseTime + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			crew := newCrew(t, 12)
			mates := []*mate{crew.join(t, "p0"), crew.join(t, "p1"), crew.join(t, "p2")}
			crew.balanced(t, mates...)
			crew.server.Stop()
			if c.away > 0 {
				until(t, "nobody works without a session", func() bool { return len(crew.owned()) == 0 })
				time.Sleep(c.away) // The server is away for that long.
			}
			crew.server.Restart(t)
			crew.balanced(t, mates...)
			mates[0].leave()
			crew.balanced(t, mates[1:]...)
		})
	}
}

// TestLeasesHaveOneOwnerWhateverHappens has processes come, go and crash at random.
func TestLeasesHaveOneOwnerWhateverHappens(t *testing.T) {
	c := newCrew(t, 30)
	random := rand.New(rand.NewPCG(15, 16))
	crew := []*mate{c.join(t, "p0")}
	for i := range 14 {
		time.Sleep(time.Duration(random.IntN(700)) * time.Millisecond) // In the middle of whatever goes on.
		switch at := random.IntN(len(crew)); {
		case len(crew) < 3 || random.IntN(2) == 0:
			crew = append(crew, c.join(t, fmt.Sprint("p", i+1)))
		case random.IntN(2) == 0:
			crew[at].leave()
			crew = slices.Delete(crew, at, at+1)
		default:
			crew[at].crash()
			crew = slices.Delete(crew, at, at+1)
		}
	}
	c.balanced(t, crew...)
}

// TestWhoeverAttendsIsToldWhenItsSessionIsLost buries the session of a process that shares a stage: what it has at hand is no longer
// valid, and it can take part again.
func TestWhoeverAttendsIsToldWhenItsSessionIsLost(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	leases, err := b.Leases(t.Context(), "test", layers.NameL1)
	if err != nil {
		t.Fatal(err)
	}
	other := connect(t, server)
	for range 2 {
		seated := false
		err = leases.Attend(t.Context(), func(ctx context.Context, own pipeline.Ownership) error {
			seated = own.Valid()
			if err := leasesCleared(t, other); err != nil { //nolint:contextcheck // It is not the work's.
				return err
			}
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Second):
				return errors.New("it was not told")
			}
			if own.Valid() {
				return errors.New("it is valid still")
			}
			return context.Cause(ctx)
		})
		if !seated || !errors.Is(err, pipeline.ErrLeaseLost) {
			t.Fatalf("attending (seated %v) ended with %v, want %v", seated, err, pipeline.ErrLeaseLost)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := leases.Attend(ctx, func(context.Context, pipeline.Ownership) error { return nil }); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("attending ended with %v after the end of its context", err)
	}
}

// TestLostLeaseIsNoFailureOfTheStop loses the lease just when the process is told to stop.
func TestLostLeaseIsNoFailureOfTheStop(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	leases, err := b.Leases(t.Context(), "test", layers.NameL3)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	err = leases.Hold(ctx, "L3.00", func(context.Context, pipeline.Ownership) error {
		stop()
		return pipeline.ErrLeaseLost
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
