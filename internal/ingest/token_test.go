package ingest

import (
	"strings"
	"testing"
)

// TestPlain compares it with looking at one byte after the other, for every byte at every place of a word.
func TestPlain(t *testing.T) {
	for place := range 20 {
		for c := range 256 {
			for _, after := range []string{"", "\x80\x1f\"\\", strings.Repeat("z", 9)} {
				text := strings.Repeat("é", place/2) + strings.Repeat("a", place%2) + string([]byte{byte(c)}) + after
				want := strings.IndexFunc(text, func(r rune) bool { return r == '"' || r == '\\' || r < ' ' })
				if want < 0 {
					want = len(text)
				}
				if got := plain([]byte(text)); got != want && (got > want || want-got >= 8 || len(text)-got >= 8) {
					t.Errorf("%q: got %d, want %d, or less than 8 below it at the end", text, got, want)
				}
			}
		}
	}
}
