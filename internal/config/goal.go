package config

import (
	"reflect"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
)

// validateGoals checks objectives and metrics, one at a time, and then how many there are.
func (d *decoder) validateGoals(f *File) {
	d.eachItem("objectives", reflect.ValueOf(f.Objectives), func(i int) error {
		c := strategic.DefaultConfig()
		c.Objectives = f.Objectives[i : i+1]
		return c.Validate()
	})
	d.eachItem("metrics", reflect.ValueOf(f.Metrics), func(i int) error {
		c := strategic.DefaultConfig()
		c.Metrics = f.Metrics[i : i+1]
		return c.Validate()
	})
	if n := len(f.Objectives); n > strategic.MaxObjectives {
		d.report(d.nearestNode("objectives"), "objectives", "%d objectives: want at most %d", n, strategic.MaxObjectives)
	}
	if n := len(f.Metrics); n > strategic.MaxMetrics {
		d.report(d.nearestNode("metrics"), "metrics", "%d metrics: want at most %d", n, strategic.MaxMetrics)
	}
}

// compileGoals compiles the expressions of objectives and metrics.
func (d *decoder) compileGoals(f *File) {
	for i, o := range f.Objectives {
		path := itemPath("objectives", i)
		for field, text := range map[string]string{".total": o.Total, ".good": o.Good} {
			switch o.From {
			case "", strategic.FromVerdicts:
				compile(d, path+field, text, expr.Verdict)
			case strategic.FromSignals:
				compile(d, path+field, text, expr.Signal)
			case strategic.FromSituations:
				compile(d, path+field, text, expr.Situation)
			}
		}
	}
	for i, m := range f.Metrics {
		path := itemPath("metrics", i)
		compile(d, path+".when", m.When, expr.Signal)
		compile(d, path+".value", m.Value, asCompiler(expr.Number))
		for _, name := range m.LabelNames() {
			compile(d, path+".labels."+name, m.Labels[name], asCompiler(expr.Text))
		}
	}
}

// asCompiler has an expression that is a value compiled for its errors.
func asCompiler[T any](build func(string) (T, error)) layers.Compiler[layers.Signal] {
	return func(text string) (layers.Condition[layers.Signal], error) {
		_, err := build(text)
		return nil, err
	}
}
