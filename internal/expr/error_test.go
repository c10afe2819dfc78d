package expr

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	const known = " known: source, type, key, text, severity, value, has_value, labels, data," +
		" debug, info, warning, error, critical"
	tests := []struct{ expression, want string }{
		{``, `expr: 1:1: the expression is empty`},
		{" \n", `expr: 1:1: the expression is empty`},
		{`sevrity >= error`, `expr: 1:1: unknown name "sevrity", did you mean "severity"?` + known},
		{`severity >= eror`, `expr: 1:13: unknown name "eror", did you mean "error"?` + known},
		{`severity >= Error`, `expr: 1:13: unknown name "Error", did you mean "error"?` + known},
		{`label.env == "x"`, `expr: 1:1: unknown name "label", did you mean "labels"?` + known},
		{`id == "x"`, `expr: 1:1: unknown name "id";` + known},
		{"key == \"a\" &&\n  tpye == \"b\"", `expr: 2:3: unknown name "tpye", did you mean "type"?` + known},
		{`key == x && text == y`, `expr: 1:8: unknown name "x";` + known + `; 1:21: unknown name "y";` + known},
		{`source.startWith("a")`, `expr: 1:8: unknown function "startWith", did you mean "startsWith"?`},
		{`starts(source)`, `expr: 1:1: unknown function "starts"`},
		{`labels.exists(k, v, v == "x")`, `expr: 1:14: wrong arguments: write list.exists(x, condition)`},
		{
			`severity == "error"`,
			`expr: 1:10: == cannot take (int, string): compare severity with debug, info, warning, error or critical,` +
				` without quotes`,
		},
		{`value == 5`, `expr: 1:7: == cannot take (double, int): write whole numbers with a decimal point, such as 5.0`},
		{`labels.code >= 500`, `expr: 1:13: >= cannot take (string, int): labels are text, write "500" or double(labels.name)`},
		{`text.contains(5)`, `expr: 1:14: contains cannot take string.(int)`},
		{
			`data.status + 1 > 3`,
			`expr: 1:15: the numbers in data are doubles: write the other number with a decimal point, such as 2.0,` +
				` or turn the field into an integer, as in int(data.size)`,
		},
		{
			`text.replace("a", text) == ""`,
			`expr: 1:13: replace builds text, of any length: a condition may only look at text`,
		},
		{`[text].join("") == ""`, `expr: 1:12: join builds text, of any length: a condition may only look at text`},
		{`"%s".format([text]) == ""`, `expr: 1:12: format builds text, of any length: a condition may only look at text`},
		{`text.matches(key)`, `expr: 1:14: matches needs its argument written out, in quotes: what a signal brings could take any time`},
		{`text.indexOf(key) > 0`, `expr: 1:14: indexOf needs its argument written out, in quotes: what a signal brings could take any time`},
		{
			`{"b": 1, "a": 2}.exists(k, k == key)`,
			`expr: 1:1: a loop over {…} has no order: write a list, as in ["a", "b"].exists(x, x == key)`,
		},
		{`severity + 1`, `expr: 1:1: the expression must be true or false, this one is of type int`},
		{
			`data.urgent`,
			`expr: 1:1: the expression must be true or false, and what data holds is known only when a signal comes:` +
				` compare it, as in data.urgent == true`,
		},
		{`source ==`, `expr: 1:10: the expression ends too early`},
		{`severity = error`, "expr: 1:10: cannot read `=`: write =="},
		{`value > 1 and key == "a"`, "expr: 1:11: unexpected `and`: write &&"},
		{`source == "a`, "expr: 1:11: cannot read `\"a`: the text has no closing quote," +
			" or a \\ that CEL does not know (write \\\\, or r\"…\")"},
		{`text.matches("(")`, "expr: 1:14: error parsing regexp: missing closing ): `(`"},
		{`labels.env.x == ""`, `expr: 1:11: type 'string' does not support field selection`},
		{strings.Repeat("x", 5000), `expr: 1:1: the expression has 5000 bytes, 4096 are allowed`},
	}
	for _, test := range tests {
		_, err := Signal(test.expression)
		if err == nil {
			t.Errorf("%s: no error", test.expression)
			continue
		}
		if diff := cmp.Diff(test.want, err.Error()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.expression, diff)
		}
		if _, ok := errors.AsType[*CompileError](err); !ok {
			t.Errorf("%s: the error is a %T", test.expression, err)
		}
	}
}

func TestErrorNamesTheOtherVariables(t *testing.T) {
	t.Parallel()
	if _, err := Situation(`source == "a"`); err == nil || !strings.Contains(err.Error(), "known: event, duration_s, revision, severity, key, title") {
		t.Errorf("situation: %v", err)
	}
	if _, err := Verdict(`text == "a"`); err == nil || !strings.Contains(err.Error(), "known: source, type, key, layer") {
		t.Errorf("verdict: %v", err)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"name", "when", "then", "reason"}
	for word, want := range map[string]string{
		"wen": "when", "whne": "when", "WHEN": "when", "resaon": "reason", "names": "name", "thenn": "then",
		"playbook": "", "": "", "x": "", "nam": "name", strings.Repeat("n", 1000): "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
