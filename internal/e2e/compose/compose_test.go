package compose_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// status is what this test reads of /v1/status.
type status struct {
	Ready  bool `json:"ready"`
	Layers []struct {
		Layer      string `json:"layer"`
		Processes  int    `json:"processes"`
		Owned      int    `json:"partitions_owned"`
		Partitions int    `json:"partitions"`
	} `json:"layers"`
}

// TestCompose goes the way of a newcomer, then the one of an operator: up, a first signal, a scaled layer, killed containers,
// down and up again. Meanwhile signals come in over NATS and HTTP; each that was acknowledged gets one verdict.
func TestCompose(t *testing.T) {
	need(t)
	s := newStack(t)
	if os.Getenv("COMPOSE_BUILD") != "no" {
		removeImage(t)
	}
	s.up(t)
	checkHealth(t, s, map[string]int{"l1": 1, "l2": 1, "l3": 1, "l4": 1, "l5": 1, "web": 1, "nats": 1})
	checkNewcomer(t, s)

	sent := newSender()
	ctx, stop := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() {
		if err := sent.overNATS(ctx, s.nats()); err != nil {
			t.Error(err)
		}
	})
	sending.Go(func() { sent.overHTTP(ctx, s.http("HAL9_PORT", "/v1/signals")) })
	disturb(t, s, sent)
	stop()
	sending.Wait()
	count(t, s, sent)

	before := sent.count()
	s.run(t, "down", "--timeout", "30")
	s.up(t)
	count(t, s, sent)
	t.Logf("%d signals acknowledged, each with one verdict, before and after down and up", before)
	if list := strings.TrimSpace(os.Getenv("COMPOSE_OBSERVABILITY")); list != "" {
		checkObservability(t, s, strings.Fields(list))
	}
}

// disturb scales a layer to three, kills one of the three, then NATS, and scales back.
func disturb(t *testing.T, s *stack, sent *sender) {
	t.Helper()
	await(t, sent)
	s.up(t, "--no-recreate", "--scale", "l3=3")
	owns(t, s, "L3", 3)
	await(t, sent)
	s.kill(t, "l3")
	owns(t, s, "L3", 2)
	await(t, sent)
	s.up(t, "--no-recreate", "--scale", "l3=3")
	owns(t, s, "L3", 3)
	s.kill(t, "nats")
	s.up(t, "--no-recreate", "--scale", "l3=3")
	await(t, sent)
	s.up(t, "--no-recreate", "--scale", "l3=1")
	owns(t, s, "L3", 1)
	await(t, sent)
}

// await waits until 200 more signals are acknowledged.
func await(t *testing.T, sent *sender) {
	t.Helper()
	want := sent.count() + 200
	until(t, 2*time.Minute, func() error {
		if n := sent.count(); n < want {
			return fmt.Errorf("%d of %d signals are acknowledged", n, want)
		}
		return nil
	})
}

// owns waits until so many processes of a layer own all of its partitions.
func owns(t *testing.T, s *stack, layer string, processes int) {
	t.Helper()
	until(t, 2*time.Minute, func() error {
		var st status
		if err := getJSON(t.Context(), s.http("HAL9_PORT", "/v1/status"), &st); err != nil {
			return err
		}
		for _, l := range st.Layers {
			if l.Layer == layer && l.Processes == processes && l.Owned == l.Partitions && l.Partitions > 1 {
				return nil
			}
		}
		return fmt.Errorf("want %d processes that own all of %s: %+v", processes, layer, st)
	})
}

func count(t *testing.T, s *stack, sent *sender) {
	t.Helper()
	until(t, 2*time.Minute, func() error {
		got, err := verdicts(t.Context(), s.nats())
		if err != nil {
			return err
		}
		return sent.wrong(got)
	})
}

// checkHealth requires so many healthy containers of each service, and that provisioning ended well.
func checkHealth(t *testing.T, s *stack, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	for _, c := range s.containers(t) {
		if c.Service == provision {
			if c.State != "exited" || c.ExitCode != 0 {
				t.Errorf("provision is %s with %d", c.State, c.ExitCode)
			}
			continue
		}
		if c.State != "running" || c.Health != "healthy" {
			t.Errorf("%s is %s and %q", c.Service, c.State, c.Health)
		}
		got[c.Service]++
	}
	for service, n := range want {
		if got[service] != n {
			t.Errorf("%d containers of %s, want %d", got[service], service, n)
		}
	}
}

// checkNewcomer does what docs/compose.md says to do first.
func checkNewcomer(t *testing.T, s *stack) {
	t.Helper()
	page, err := get(t.Context(), s.http("HAL9_PORT", "/"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Ready", "Reflexive", "Strategic", "12 of 12 partitions owned"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	signal := []byte(`{"id":"demo-1","source":"shop","subject":"db-1","severity":"critical","message":"disk is full"}`)
	if code := post(t.Context(), s.http("HAL9_PORT", "/v1/signals"), signal); code != http.StatusAccepted {
		t.Fatalf("POST /v1/signals: %d", code)
	}
	until(t, 20*time.Second, func() error {
		out := s.try(t.Context(), "exec", "-T", "web", "/hal9", "explain", "demo-1")
		if !strings.Contains(out, "answer") || !strings.Contains(out, "disk-full") {
			return fmt.Errorf("hal9 explain says: %s", out)
		}
		return nil
	})
}
