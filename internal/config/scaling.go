package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
)

// Scaling says how many replicas each layer gets: what holds for all of them, and where one differs.
type Scaling struct {
	policy.Config `yaml:",inline"`
	Layers        map[string]policy.Config `yaml:"layers"` // by name; what one does not say is as for all
}

// For returns what holds for a layer.
func (s *Scaling) For(layer layers.Name) policy.Config {
	if own, ok := s.Layers[layer.String()]; ok {
		return own
	}
	return s.Config
}

// validateScaling asks the policy, for all layers and for each that differs, and fills in what these do not say.
func (d *decoder) validateScaling(s *Scaling) {
	if _, inFile := d.nodes["scaling"]; !inFile {
		return
	}
	const path = "scaling.layers"
	names := make([]string, 0, layers.NameL5)
	for _, name := range layers.Names() {
		names = append(names, name.String())
	}
	for name := range s.Layers {
		if !slices.Contains(names, name) {
			d.report(d.nearestNode(join(path, name)), path, "there is no layer %s known: %s", suggestLayer(name, names), strings.Join(names, ", "))
		}
	}
	if d.broken("scaling") {
		return
	}
	fields, _ := fieldsOf(reflect.TypeFor[policy.Config]())
	d.reportAll("scaling", fields, s.Validate())
	if d.broken("scaling") {
		return // What is wrong for all would be told once more for each.
	}
	for name := range s.Layers {
		own := s.Config
		d.decode(d.nodes[join(path, name)], join(path, name), reflect.ValueOf(&own).Elem())
		d.reportAll(join(path, name), fields, own.Validate())
		s.Layers[name] = own
	}
}

func suggestLayer(name string, names []string) string {
	if near := expr.Nearest(strings.ToUpper(name), names); near != "" {
		return shorten(name) + ", did you mean " + near + "?"
	}
	return shorten(name) + ";"
}
