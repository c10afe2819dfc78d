package config

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/expr"
)

// TestDocumentation reads the YAML of docs/configuration.md and compiles the expressions of
// its table, so that what people copy works.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(data), -1)
	if len(blocks) != 16 {
		t.Errorf("%d blocks of YAML, want one for each section", len(blocks))
	}
	for _, block := range blocks {
		if _, err := Parse("block", []byte(block[1])); err != nil {
			t.Errorf("%v\n%s", err, block[1])
		}
	}
	_, table, _ := strings.Cut(string(data), "| to say | write |")
	table, _, _ = strings.Cut(table, "\n\n")
	compiled := 0
	for _, code := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(table, -1) {
		if !strings.ContainsAny(code[1], " (") {
			continue // a word or an operator
		}
		expression := code[1]
		if strings.HasSuffix(expression, "lowerAscii()") || strings.HasSuffix(expression, `split(" ")`) {
			expression = "size(" + expression + ") > 0"
		}
		if _, err := expr.Signal(expression); err != nil {
			t.Errorf("%s: %v", code[1], err)
		}
		compiled++
	}
	if compiled < 15 {
		t.Errorf("only %d expressions found", compiled)
	}
}
