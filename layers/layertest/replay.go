package layertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// tickEvery is how many envelopes lie between two ticks of a replay.
const tickEvery = 25

// outcome is all that a layer answered at one position of the input.
type outcome struct {
	Decision layers.Decision
	Findings layers.Findings
	Err      string
	Ticked   []layers.Event
}

// step decides e and, at every tickEvery-th position, ticks as the pipeline would.
func step(tb testing.TB, l layers.Layer, i int, e *layers.Envelope) outcome {
	tb.Helper()
	seen, d, err := decide(tb, l, e)
	o := outcome{Decision: d, Findings: seen.Findings}
	if err != nil {
		o = outcome{Err: err.Error()}
	}
	o.Ticked = tickAfter(l, i, e)
	return o
}

func replay(tb testing.TB, l layers.Layer, from int, envelopes []*layers.Envelope) []outcome {
	tb.Helper()
	outcomes := make([]outcome, len(envelopes))
	for i, e := range envelopes {
		outcomes[i] = step(tb, l, from+i, e)
	}
	return outcomes
}

// differ compares the outcomes as values and as the JSON that leaves the system.
func differ(got, want []outcome, envelopes []*layers.Envelope) error {
	for i := range want {
		g, err := json.Marshal(got[i])
		if err != nil {
			return fmt.Errorf("envelope %d (%s): %w", i, envelopes[i].ID, err)
		}
		w, err := json.Marshal(want[i])
		if err != nil {
			return fmt.Errorf("envelope %d (%s): %w", i, envelopes[i].ID, err)
		}
		if string(g) != string(w) || !reflect.DeepEqual(got[i].Decision, want[i].Decision) {
			return fmt.Errorf("envelope %d (%s):\n got %s\nwant %s", i, envelopes[i].ID, g, w)
		}
	}
	return nil
}

func checkDeterminism(tb testing.TB, h Harness) error {
	tb.Helper()
	envelopes := h.Envelopes()
	want := replay(tb, h.New(tb), 0, envelopes)
	return differ(replay(tb, h.New(tb), 0, envelopes), want, envelopes)
}

func checkUntouched(tb testing.TB, h Harness) error {
	tb.Helper()
	l := h.New(tb)
	for i, e := range h.Envelopes() {
		seen, _, _ := decide(tb, l, e)
		want := Clone(e)
		want.Findings = seen.Findings
		if !reflect.DeepEqual(seen, want) {
			return fmt.Errorf("envelope %d (%s): Decide wrote more than findings:\n got %+v\nwant %+v", i, e.ID, seen, want)
		}
	}
	return nil
}

// checkErrors interleaves calls that fail (a cancelled context, envelopes that cannot be
// decided) and wants the decisions of a layer that never saw them.
func checkErrors(tb testing.TB, h Harness) error {
	tb.Helper()
	envelopes := h.Envelopes()
	want := replay(tb, h.New(tb), 0, envelopes)
	cancelled, cancel := context.WithCancel(tb.Context())
	cancel()
	var failing []*layers.Envelope
	if h.Failing != nil {
		failing = h.Failing()
	}
	l := h.New(tb)
	got := make([]outcome, len(envelopes))
	for i, e := range envelopes {
		if len(failing) > 0 {
			bad := failing[i%len(failing)]
			if _, d, err := decide(tb, l, bad); err == nil {
				return fmt.Errorf("failing envelope %s: decided %+v, want an error", bad.ID, d)
			}
		}
		if seen, d, err := decideWith(cancelled, l, e); err == nil {
			got[i] = outcome{Decision: d, Findings: seen.Findings}
			got[i].Ticked = tickAfter(l, i, e)
			continue
		} else if layers.IsPermanent(err) && errors.Is(err, context.Canceled) {
			return fmt.Errorf("a cancelled call said permanent: %w", err)
		}
		got[i] = step(tb, l, i, e)
	}
	return differ(got, want, envelopes)
}

func tickAfter(l layers.Layer, i int, e *layers.Envelope) []layers.Event {
	if ticker, ok := l.(layers.Ticker); ok && i%tickEvery == tickEvery-1 && ticker.Waiting() {
		return ticker.Tick(e.ReceivedAt.Add(time.Second))
	}
	return nil
}
