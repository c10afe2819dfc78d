package expr

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// FuzzSignal compiles any text: an error that says where, within the text, or a condition
// that answers the same each time and never panics.
func FuzzSignal(f *testing.F) {
	for _, seed := range []string{
		``, `severity >= error`, `sevrity >= error`, `labels.env == "prod" || value > 5`, `data.items.all(i, i.n > 0)`,
		`text.matches("(")`, `text.split(" ").exists(w, w == "500")`, `severity = error`, `data.status + 1 > 3`,
		`has(labels.env) ? key.endsWith("1") : type == ""`, `labels.map(k, k)[0] == "a"`, "a\n==\n\"b", `"%d".format([1]) == "1"`,
		`duration("1h") > duration("x")`, `[1, 2][3] == 1`, `{"a": 1}.a == 1`, "\x00\xff", `((((((((((true))))))))))`,
		`true ? data.x : false`, `type(data) == map`, `b"a" == b"a"`, `!has(data.a.b.c)`, `-9223372036854775808 % -1 == 0`,
	} {
		f.Add(seed)
	}
	signals := []*layers.Signal{sampleSignal(), {}, {Data: []byte(`[1,"a",null,{"x":[]}]`)}, {Data: []byte(`{"x":`)}}
	f.Fuzz(func(t *testing.T, expression string) {
		condition, err := Signal(expression)
		if err != nil {
			compileError, ok := err.(*CompileError) //nolint:errorlint // Signal promises the type itself.
			if !ok || len(compileError.Issues) == 0 {
				t.Fatalf("error %T: %v", err, err)
			}
			lines := strings.Count(expression, "\n") + 1
			for _, issue := range compileError.Issues {
				if issue.Line < 1 || issue.Line > lines || issue.Column < 1 || issue.Message == "" {
					t.Errorf("issue %+v is outside of the %d lines", issue, lines)
				}
				if utf8.ValidString(expression) && issue.Column > utf8.RuneCountInString(expression)+2 {
					t.Errorf("issue %+v is outside of its line", issue)
				}
			}
			return
		}
		for _, signal := range signals {
			if first := condition(signal); condition(signal) != first {
				t.Errorf("another answer the second time")
			}
		}
	})
}
