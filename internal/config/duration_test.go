package config

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "1.5d": 36 * time.Hour, "1d12h": 36 * time.Hour, "5m": 5 * time.Minute,
		"1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond, "0s": 0, "-5m": -5 * time.Minute, "-1d": -day,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q: got %s, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "d", "30", "1.5", "0", "30 d", "1h1d", "1d1d", "1d-1h", "1dd", "five", "1w", "1e5d", "infd", "0x1d",
		"999999999d", "106752d", "9999999h", "1_0d", "+-1d",
	} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q: got %s", text, got)
		}
	}
}
