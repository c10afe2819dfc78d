package lint

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// lineOf returns the line of the field at path, such as "spec.triggers[1].metadata.query", or of the nearest one above
// it that is there.
func lineOf(node *yaml.Node, path string) int {
	line := max(1, node.Line)
	for _, step := range steps(path) {
		key, value := child(node, step)
		if value == nil {
			return line
		}
		node, line = value, max(1, key.Line)
	}
	return line
}

// at returns the value at path, or nil.
func at(node *yaml.Node, path string) *yaml.Node {
	for _, step := range steps(path) {
		if _, node = child(node, step); node == nil {
			return nil
		}
	}
	return node
}

// text returns the scalar at path, or "".
func text(node *yaml.Node, path string) string {
	if value := at(node, path); value != nil && value.Kind == yaml.ScalarNode {
		return value.Value
	}
	return ""
}

// steps cuts a path into the names of fields and the numbers of items.
func steps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// child returns the node that says where a step is, and its value.
func child(node *yaml.Node, step string) (key, value *yaml.Node) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i], resolve(node.Content[i+1])
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i], resolve(node.Content[i])
		}
	}
	return nil, nil
}

func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		return node.Alias
	}
	return node
}
