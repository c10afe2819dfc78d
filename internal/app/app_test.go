package app

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
)

// TestAProcessHasOneName wherever it is named.
func TestAProcessHasOneName(t *testing.T) {
	cfg := bus.DefaultConfig()
	cfg.URL = natstest.Start(t).ClientURL()
	log := slog.New(slog.DiscardHandler)
	b, err := bus.Connect(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Provision(t.Context(), bus.DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), DefaultConfig(), b, log)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.NewReplacer("/", "_", ".", "_", " ", "_").Replace(a.name); a.reflexes.process != want || a.process().Name != a.name {
		t.Errorf("it is %s, its reflexes those of %s, and its answer to the roll that of %s", a.name, a.reflexes.process, a.process().Name)
	}
}
