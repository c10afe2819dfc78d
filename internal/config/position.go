package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/2lab-ai/hal9/internal/expr"
)

// reportExpression reports an issue of the expression at path where it stands in the file.
// Where the file writes the expression in another way (escapes, folded lines) the message
// says where in the expression it is instead.
func (d *decoder) reportExpression(path string, issue expr.Issue) {
	n := d.nearestNode(path)
	if line, column, ok := d.locate(n, issue); ok {
		d.reportAt(line, column, path, issue.Message)
		return
	}
	d.report(n, path, "at %d:%d of the expression: %s", issue.Line, issue.Column, issue.Message)
}

// locate finds the line of the expression that the issue is in among the lines of the file.
func (d *decoder) locate(n *yaml.Node, issue expr.Issue) (line, column int, ok bool) {
	parts := strings.Split(n.Value, "\n")
	if n.Kind != yaml.ScalarNode || issue.Line > len(parts) {
		return 0, 0, false
	}
	line, from := n.Line, n.Column-1
	if n.Style&yaml.LiteralStyle != 0 {
		line, from = n.Line+issue.Line, 0
	} else if len(parts) > 1 {
		return 0, 0, false
	}
	if line > len(d.lines) {
		return 0, 0, false
	}
	runes := []rune(d.lines[line-1])
	if from > len(runes) {
		return 0, 0, false
	}
	before, _, found := strings.Cut(string(runes[from:]), parts[issue.Line-1])
	if !found {
		return 0, 0, false
	}
	return line, from + len([]rune(before)) + issue.Column, true
}

// nearestNode returns the node at path or, where there is none, the one that should have it.
func (d *decoder) nearestNode(path string) *yaml.Node {
	for {
		if n, ok := d.nodes[path]; ok {
			return n
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return &yaml.Node{Line: 1, Column: 1}
		}
		path = path[:cut]
	}
}

// itemPath names an item of a list.
func itemPath(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
