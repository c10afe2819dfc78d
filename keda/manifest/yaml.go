package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// order is how a reader wants to meet the keys of objects; others follow by name.
var order = []string{
	"apiVersion", "kind", "type", "formula", "target", "name", "namespace", "labels", "metricType", "metadata", "spec",
	"scaleTargetRef", "pollingInterval", "cooldownPeriod", "minReplicaCount", "maxReplicaCount", "triggers", "fallback", "advanced",
	"value", "periodSeconds",
	"scaleUp", "scaleDown", "stabilizationWindowSeconds", "tolerance", "selectPolicy", "policies",
}

// encode returns the object as YAML: without empty fields, its keys in order, with its notes as comments.
func (d *document) encode() ([]byte, error) {
	data, err := json.Marshal(d.object)
	if err != nil {
		return nil, fmt.Errorf("manifest: %s: %w", d.object.Name, err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil { // JSON is YAML
		return nil, fmt.Errorf("manifest: %s: %w", d.object.Name, err)
	}
	d.tidy(root.Content[0], "")
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&root); err != nil {
		return nil, fmt.Errorf("manifest: %s: %w", d.object.Name, err)
	}
	return out.Bytes(), nil
}

// tidy brings a node and what is below it into the form that people read.
func (d *document) tidy(node *yaml.Node, path string) {
	node.Style = 0
	switch node.Kind {
	case yaml.MappingNode:
		d.tidyMap(node, path)
	case yaml.SequenceNode:
		for i, item := range node.Content {
			place := fmt.Sprintf("%s[%d]", path, i)
			d.tidy(item, place)
			item.HeadComment = d.notes[place]
		}
	}
}

func (d *document) tidyMap(node *yaml.Node, path string) {
	type field struct{ key, value *yaml.Node }
	var fields []field
	for i := 0; i+1 < len(node.Content); i += 2 {
		f := field{node.Content[i], node.Content[i+1]}
		place := f.key.Value
		if path != "" {
			place = path + "." + place
		}
		d.tidy(f.value, place)
		if isEmpty(f.value) || place == "metadata.creationTimestamp" || place == "status" {
			continue
		}
		f.key.Style, f.key.HeadComment = 0, d.notes[place]
		fields = append(fields, f)
	}
	slices.SortStableFunc(fields, func(a, b field) int { return rank(a.key.Value) - rank(b.key.Value) })
	node.Content = node.Content[:0]
	for _, f := range fields {
		node.Content = append(node.Content, f.key, f.value)
	}
}

// rank is the place of a key among its like. Those without one keep the order of the names, in which they come.
func rank(key string) int {
	if i := slices.Index(order, key); i >= 0 {
		return i
	}
	return len(order)
}

func isEmpty(node *yaml.Node) bool {
	return node.Kind != yaml.ScalarNode && len(node.Content) == 0 || node.Tag == "!!null"
}
