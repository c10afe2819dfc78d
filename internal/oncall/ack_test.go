package oncall

import (
	"testing"
	"time"
)

// TestAnAcknowledgementIsNotOfTheFuture has the clock of whoever acknowledges be ahead, and behind.
func TestAnAcknowledgementIsNotOfTheFuture(t *testing.T) {
	t.Parallel()
	seen := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ now, want time.Time }{
		{seen.Add(time.Hour), seen},
		{seen.Add(-time.Hour), seen.Add(-time.Hour)},
	} {
		if got := givenAt(tt.now, seen); !got.Equal(tt.want) {
			t.Errorf("given at %s, last seen %s: it counts from %s, want %s", tt.now, seen, got, tt.want)
		}
	}
}
