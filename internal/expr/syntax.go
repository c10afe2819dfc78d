package expr

import (
	"strings"

	"cel.dev/cel-go/cel"
)

// explainSyntax rewords the parser's first complaint; those after it are mostly its
// consequences.
func explainSyntax(problem *cel.Error) Issue {
	message := strings.TrimPrefix(problem.Message, "Syntax error: ")
	message, _, _ = strings.Cut(message, " expecting ")
	kind, rest, _ := strings.Cut(message, " '")
	input := strings.TrimSuffix(rest, "'")
	switch {
	case input == "<EOF>":
		message = "the expression ends too early"
	case strings.HasPrefix(kind, "token recognition error"):
		message = "cannot read " + quote(strings.TrimSpace(input)) + tokenHint(strings.TrimSpace(input))
	case strings.HasSuffix(kind, "input"):
		message = "unexpected " + quote(input) + tokenHint(input)
	}
	return issueAt(problem.Location, message)
}

func quote(input string) string { return "`" + input + "`" }

// tokenHint translates what other languages write.
func tokenHint(input string) string {
	switch strings.ToLower(input) {
	case "and", "&":
		return ": write &&"
	case "or", "|":
		return ": write ||"
	case "not":
		return ": write !"
	case "=":
		return ": write =="
	case "=~", "~", "like":
		return `: write text.matches("…") or text.contains("…")`
	}
	if strings.HasPrefix(input, `"`) || strings.HasPrefix(input, "'") {
		return `: the text has no closing quote, or a \ that CEL does not know (write \\, or r"…")`
	}
	return ""
}
