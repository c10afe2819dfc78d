package bus_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/pipeline"
)

// follower collects what a Follow visits.
type follower struct {
	mu    sync.Mutex
	texts []string
}

func (f *follower) visit(m *bus.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.texts = append(f.texts, string(m.Data))
}

// seen waits until n messages were visited and returns them; more would be a failure of a
// later comparison.
func (f *follower) seen(t *testing.T, n int) []string {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		f.mu.Lock()
		texts := slices.Clip(f.texts)
		f.mu.Unlock()
		if len(texts) >= n {
			return texts
		}
		if time.Now().After(deadline) {
			t.Fatalf("visited %d messages, want %d: %v", len(texts), n, texts)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// follow runs f until the test ends.
func follow(t *testing.T, b *bus.Bus, f bus.Follow) *follower {
	t.Helper()
	got := &follower{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx, b, got.visit) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Follow ended with %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Follow did not end with its context")
		}
	})
	return got
}

func announce(t *testing.T, b *bus.Bus, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		record := pipeline.Record{Subject: "hal9.plans.proposed", ID: fmt.Sprint("plan-", i), Data: fmt.Append(nil, i)}
		var err error
		for range 200 {
			if err = b.Publish(t.Context(), []pipeline.Record{record}); err == nil {
				break
			}
			time.Sleep(25 * time.Millisecond) // The client's own reconnect is what is waited for.
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func numbers(from, to int) []string {
	var texts []string
	for i := from; i < to; i++ {
		texts = append(texts, strconv.Itoa(i))
	}
	return texts
}

func TestFollowStartsWhereItIsTold(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	announce(t, b, 0, 3)
	time.Sleep(20 * time.Millisecond) // NATS and this process need not have the same clock to the millisecond.
	since := time.Now()
	announce(t, b, 3, 6)
	last, err := b.LastSequence(t.Context(), pipeline.StreamPlans)
	if err != nil || last != 6 {
		t.Fatalf("last sequence %d, %v: want 6", last, err)
	}
	all := bus.Follow{Stream: pipeline.StreamPlans, Subjects: []string{"hal9.plans.>"}}
	started, timed, numbered := all, all, all
	started.Start, timed.Since, numbered.From = true, since, 5
	other := all
	other.Start, other.Subjects = true, []string{"hal9.plans.failed"}
	for _, c := range []struct {
		name  string
		f     bus.Follow
		first int
	}{{"start", started, 0}, {"since", timed, 3}, {"from", numbered, 4}} {
		if diff := cmp.Diff(numbers(c.first, 6), follow(t, b, c.f).seen(t, 6-c.first)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if got := follow(t, b, other).seen(t, 0); len(got) > 0 {
		t.Errorf("visited %v of another subject", got)
	}
}

// TestFollowHasNoGapOverARestart is about each way to start, both where a message was visited
// before the server went away and where none was.
func TestFollowHasNoGapOverARestart(t *testing.T) {
	for _, before := range []int{0, 3} {
		t.Run(fmt.Sprint(before, " before"), func(t *testing.T) {
			b, server := provisioned(t, bus.DefaultTopology())
			publisher := connect(t, server)
			all := bus.Follow{Stream: pipeline.StreamPlans, Subjects: []string{"hal9.plans.>"}}
			started, timed := all, all
			started.Start, timed.Since = true, time.Now().Add(-time.Second)
			// New ones first: it has read its starting point once the server knows its consumer.
			followers := []*follower{follow(t, b, all)}
			waitConsumers(t, server, 1)
			followers = append(followers, follow(t, b, started), follow(t, b, timed))
			waitConsumers(t, server, 3)
			announce(t, publisher, 0, before)
			for _, f := range followers {
				f.seen(t, before)
			}
			server.Stop()
			server.Restart(t)
			announce(t, publisher, before, before+20)
			for i, f := range followers {
				if diff := cmp.Diff(numbers(0, before+20), f.seen(t, before+20)); diff != "" {
					t.Errorf("follower %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestFollowReadsAStreamThatWasMadeAnew(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	announce(t, b, 0, 5)
	got := follow(t, b, bus.Follow{Stream: pipeline.StreamPlans, Subjects: []string{"hal9.plans.>"}, From: 5})
	got.seen(t, 1)
	js := jetStream(t, server)
	if err := js.DeleteStream(t.Context(), pipeline.StreamPlans); err != nil {
		t.Fatal(err)
	}
	if err := b.Provision(t.Context(), bus.DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	announce(t, b, 10, 12)
	if diff := cmp.Diff([]string{"4", "10", "11"}, got.seen(t, 3)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestFollowEndsWhileTheServerIsAway(t *testing.T) {
	b, server := provisioned(t, bus.DefaultTopology())
	follow(t, b, bus.Follow{Stream: pipeline.StreamPlans, Subjects: []string{"hal9.plans.>"}})
	waitConsumers(t, server, 1)
	server.Stop()
	time.Sleep(300 * time.Millisecond) // into its attempts to get the stream again
}

func jetStream(t *testing.T, server *natstest.Server) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(server.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// waitConsumers waits until the plans have n consumers.
func waitConsumers(t *testing.T, server *natstest.Server, n int) {
	t.Helper()
	js := jetStream(t, server)
	for range 400 {
		stream, err := js.Stream(t.Context(), pipeline.StreamPlans)
		followers := 0
		if err == nil {
			for info := range stream.ListConsumers(t.Context()).Info() {
				if info.Config.Durable == "" { // else it is provisioned
					followers++
				}
			}
		}
		if followers >= n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the server does not have %d consumers of followers", n)
}
