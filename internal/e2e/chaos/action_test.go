package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// targetMark stands in a configuration for the address of the target.
const targetMark = "TARGET"

// target takes the actions of plans and counts them.
type target struct {
	url string

	mu   sync.Mutex
	hits map[string]int // by Idempotency-Key
}

func newTarget(t *testing.T) *target {
	t.Helper()
	g := &target{hits: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.hits[r.Header.Get("Idempotency-Key")]++
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// configured returns the configuration with the address.
func (g *target) configured(config string) string {
	return strings.ReplaceAll(config, targetMark, g.url)
}

// taken returns how many different actions it took.
func (g *target) taken() int {
	if g == nil {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.hits)
}

// course is what was told of one plan with actions.
type course struct {
	agreed, rejected, executed, failed int
	done                               map[int]bool // actions that were done, from 1
	unknown                            bool
}

// note notes what an event says of a plan with actions.
func (e *evidence) note(data []byte) {
	var p struct {
		ID, Event string
		Actions   []json.RawMessage
		Results   []struct {
			Action int
			State  string
		}
	}
	if json.Unmarshal(data, &p) != nil || len(p.Actions) == 0 {
		return
	}
	c := e.courses[p.ID]
	if c == nil {
		c = &course{done: map[int]bool{}}
		e.courses[p.ID] = c
	}
	switch p.Event {
	case "agreed":
		c.agreed++
	case "rejected":
		c.rejected++
	case "executed":
		c.executed++
	case "failed":
		c.failed++
	}
	for _, r := range p.Results {
		c.done[r.Action] = c.done[r.Action] || r.State == "done"
		c.unknown = c.unknown || r.State == "unknown"
	}
}

// checkActions requires that each plan with actions was decided once and ended once, and that no action was done twice: what is said
// to be done was done, what is not was not, but for what a process that died did not live to tell.
func (e *evidence) checkActions() {
	const promise = "actions are done once"
	if e.target == nil {
		return
	}
	e.target.mu.Lock()
	defer e.target.mu.Unlock()
	for key, n := range e.target.hits {
		if n > 1 {
			e.found.add(promise, "%s was done %d times", key, n)
		}
		if plan, _, _ := strings.Cut(key, "."); e.courses[plan] == nil || e.courses[plan].agreed == 0 {
			e.found.add(promise, "%s was done, and %s was not agreed on", key, plan)
		}
	}
	for id, c := range e.courses {
		if c.agreed+c.rejected != 1 || c.executed+c.failed != c.agreed {
			e.found.add(promise, "%s was agreed on %d times, rejected %d, executed %d and failed %d", id, c.agreed, c.rejected, c.executed, c.failed)
		}
		if hits := e.target.hits[id+".1"]; c.done[1] && hits == 0 || !c.done[1] && !c.unknown && hits > 0 {
			e.found.add(promise, "%s says that its first action was done: %v; it was done %d times", id, c.done[1], hits)
		}
	}
}

// awaitCourses waits until all plans that were agreed on have ended, or until none ends any more.
func awaitCourses(ctx context.Context, js jetstream.JetStream) error {
	last, since := -1, time.Now()
	for ctx.Err() == nil && time.Since(since) < patience {
		e := &evidence{courses: map[string]*course{}}
		if err := readStream(ctx, js, "HAL9_PLANS", func(m entry) { e.note(m.msg.Data()) }); err != nil {
			return err
		}
		open := 0
		for _, c := range e.courses {
			if c.agreed+c.rejected == 0 || c.executed+c.failed < c.agreed {
				open++
			}
		}
		if open == 0 {
			return nil
		}
		if open != last {
			last, since = open, time.Now()
		}
		pause(ctx, 500*time.Millisecond)
	}
	return fmt.Errorf("%d plans with actions came to no end: %w", last, context.Cause(ctx))
}

// TestCheckerNoticesActions breaks what is told of actions, and what became of them, in one way each.
func TestCheckerNoticesActions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hits   map[string]int
		events []string
		want   bool
	}{
		"nothing":       {map[string]int{"p.1": 1}, []string{"agreed", "executed done"}, false},
		"unknown":       {map[string]int{"p.1": 1}, []string{"agreed", "failed unknown"}, false},
		"done twice":    {map[string]int{"p.1": 2}, []string{"agreed", "executed done"}, true},
		"not done":      {nil, []string{"agreed", "executed done"}, true},
		"done unsaid":   {map[string]int{"p.1": 1}, []string{"agreed", "failed failed"}, true},
		"no agreement":  {map[string]int{"p.1": 1}, []string{"rejected"}, true},
		"no end":        {nil, []string{"agreed"}, true},
		"two ends":      {map[string]int{"p.1": 1}, []string{"agreed", "executed done", "failed done"}, true},
		"two decisions": {nil, []string{"agreed", "rejected", "failed failed"}, true},
	} {
		e := &evidence{courses: map[string]*course{}, found: newFindings(), target: &target{hits: c.hits}}
		for _, event := range c.events {
			event, state, _ := strings.Cut(event, " ")
			e.note(fmt.Appendf(nil, `{"id":"p","event":%q,"actions":[{}],"results":[{"action":1,"state":%q}]}`, event, state))
		}
		if e.checkActions(); e.found.none() == c.want {
			t.Errorf("%s: found %v, want something: %v", name, e.found, c.want)
		}
	}
}
