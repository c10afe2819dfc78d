package dead_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/internal/dead"
)

func TestClass(t *testing.T) {
	for reason, want := range map[string]string{
		"": "",
		"ingest: broken JSON: it ends at byte 30; want a JSON value":                          "broken JSON: it ends at byte #",
		`ingest: field "time": "yesterday 17" is no RFC 3339 time; want RFC 3339 such as "x"`: `field "time": "…" is no RFC 3339 time`,
		"ingest: invalid UTF-8 at byte 4,096; want UTF-8":                                     "invalid UTF-8 at byte #",
		"pipeline: layer L3 panicked: index 17 out of range":                                  "layer L3 panicked: index # out of range",
		`says "half`:                        `says "…"`,
		`a "b\"c" d`:                        `a "…" d`,
		"HTTP 503 from http://10.0.0.1:80/": "HTTP 503 from http://10.0.0.1:80/",
		"base64 after #3,000 and /v1/x":     "base64 after ## and /v1/x",
		"it took 1.5s of (30)":              "it took #s of (#)",
		"17":                                "#",
	} {
		if got := dead.Class(reason); got != want {
			t.Errorf("class of %q is %q, want %q", reason, got, want)
		}
	}
}

func FuzzClass(f *testing.F) {
	f.Add(`field "time": "a\"" 17; want`)
	f.Add("\xff\"\\")
	f.Fuzz(func(t *testing.T, reason string) {
		class := dead.Class(reason)
		if utf8.RuneCountInString(class) > 1000 && !strings.Contains(class, `field "`) {
			t.Errorf("%d characters", utf8.RuneCountInString(class))
		}
	})
}
