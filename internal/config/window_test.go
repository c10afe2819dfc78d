package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDefaultWindows pins what docs/configuration.md says.
func TestDefaultWindows(t *testing.T) {
	t.Parallel()
	want := Windows{Dedup: 5 * time.Minute, Alert: 6 * time.Hour, Lateness: time.Minute, Situation: 10 * time.Minute}
	if diff := cmp.Diff(want, Default().Windows); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
