package ingest

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSubjectToken(t *testing.T) {
	for source, want := range map[string]string{
		"web":                           "web",
		"a.b.c":                         "a.b.c",
		"":                              "unknown",
		".":                             "unknown",
		"..a..b..":                      "a.b",
		"my app":                        "my_app",
		"a*b>c":                         "a_b_c",
		">":                             "_",
		"a\tb\nc\x00d\x7fe":             "a_b_c_d_e",
		"//shop/x":                      "//shop/x",
		"caf\u00e9 \u2028x":             "café__x",
		"a\xffb":                        "a_b",
		strings.Repeat("x", 300):        strings.Repeat("x", 255),
		strings.Repeat("é", 300):        strings.Repeat("é", 127),
		strings.Repeat("x", 254) + ".y": strings.Repeat("x", 254),
	} {
		if got := SubjectToken(source); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

func FuzzSubjectToken(f *testing.F) {
	f.Add("a.b c*>\x00")
	f.Add(strings.Repeat(".é", 200))
	f.Fuzz(func(t *testing.T, source string) {
		token := SubjectToken(source)
		if token == "" || len(token) > 255 || !utf8.ValidString(token) || strings.ContainsAny(token, " *>\t\r\n\x00") {
			t.Errorf("%q", token)
		}
		for part := range strings.SplitSeq(token, ".") {
			if part == "" {
				t.Errorf("%q has an empty token", token)
			}
		}
		if again := SubjectToken(token); again != token {
			t.Errorf("%q, then %q", token, again)
		}
	})
}
