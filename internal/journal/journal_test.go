package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
)

// TestHandlerIsOne holds it to what slog asks of handlers, through the one behind it.
func TestHandlerIsOne(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var j Journal
	handler := j.Handler(slog.NewJSONHandler(&out, nil))
	err := slogtest.TestHandler(handler, func() []map[string]any {
		var all []map[string]any
		for line := range strings.Lines(out.String()) {
			all = append(all, parse(t, line))
		}
		return all
	})
	if err != nil {
		t.Error(err)
	}
}

func TestEntriesAreCountedAndBounded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var j Journal
	log := slog.New(j.Handler(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelError})))
	log.Info("started")
	stage := log.With("stage", "L3.07").WithGroup("nats")
	for i := range 3 {
		stage.Warn("stream not trimmed", "error", fmt.Errorf("try %d", i))
	}
	log.Error("stage failed", "error", errors.New("broken"))
	got := j.Entries()
	if len(got) != 2 {
		t.Fatalf("%d entries, want 2: %+v", len(got), got)
	}
	if e := got[0]; e.Message != "stage failed" || e.Level != "ERROR" || e.Detail != "error=broken" || e.Count != 1 {
		t.Errorf("newest: %+v", e)
	}
	if e := got[1]; e.Count != 3 || e.Detail != "stage=L3.07 nats.error=try 2" || e.First.After(e.Last) {
		t.Errorf("oldest: %+v", e)
	}
	if text := out.String(); strings.Contains(text, "trimmed") || !strings.Contains(text, "stage failed") {
		t.Errorf("the log behind it got %q, want what its level lets through", text)
	}
	for i := range 3 * entriesMost {
		log.Error(fmt.Sprintf("kind %d", i), "text", strings.Repeat("ü", textMost)) //nolint:sloglint // Many kinds are wanted.
	}
	got = j.Entries()
	if len(got) != entriesMost {
		t.Errorf("%d entries, want at most %d", len(got), entriesMost)
	}
	if e := got[0]; len(e.Detail) > textMost || e.Message != fmt.Sprintf("kind %d", 3*entriesMost-1) {
		t.Errorf("newest: %s with %d bytes", e.Message, len(e.Detail))
	}
}

func parse(t *testing.T, line string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
