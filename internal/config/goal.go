package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
		compileObjective(d, &o, path+".total", path+".good")
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

// compileObjective compiles the expressions of an objective, which stand at these paths.
func compileObjective(d *decoder, o *strategic.Objective, total, good string) {
	for _, expression := range [...]struct{ path, text string }{{total, o.Total}, {good, o.Good}} {
		switch o.From {
		case "", strategic.FromVerdicts:
			compile(d, expression.path, expression.text, expr.Verdict)
		case strategic.FromSignals:
			compile(d, expression.path, expression.text, expr.Signal)
		case strategic.FromSituations:
			compile(d, expression.path, expression.text, expr.Situation)
		}
	}
}

// addOpenSLO reads the files of objectives_from, which lie beside this one unless their paths are whole, and adds their
// objectives.
func (d *decoder) addOpenSLO(f *File) {
	names := map[string]bool{}
	for _, o := range f.Objectives {
		names[o.Name] = true
	}
	for i, name := range f.ObjectivesFrom {
		path := itemPath("objectives_from", i)
		if d.full() || d.broken(path) {
			return
		}
		if name == "" {
			d.report(d.nearestNode(path), path, "is empty: want the name of a file")
			continue
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(d.file), name)
		}
		data, err := readRegular(name)
		if err != nil {
			d.report(d.nearestNode(path), path, "%s", err)
			continue
		}
		objectives, problems := parseOpenSLO(name, data)
		d.problems = append(d.problems, problems...)
		for _, o := range objectives {
			if names[o.Name] {
				d.report(d.nearestNode(path), path, "%q is the name of another objective, too", shorten(o.Name))
			}
			names[o.Name] = true
			f.Objectives = append(f.Objectives, o)
		}
	}
	if n := len(f.Objectives); n > strategic.MaxObjectives && len(f.ObjectivesFrom) > 0 {
		d.report(d.nearestNode("objectives_from"), "objectives_from", "%d objectives with those above: want at most %d", n, strategic.MaxObjectives)
	}
}

// readRegular reads a file that is one: anything else may never end.
func readRegular(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s does not exist", name)
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", name)
	}
	if err != nil {
		return nil, err
	}
	return read(name)
}

// asCompiler has an expression that is a value compiled for its errors.
func asCompiler[T any](build func(string) (T, error)) layers.Compiler[layers.Signal] {
	return func(text string) (layers.Condition[layers.Signal], error) {
		_, err := build(text)
		return nil, err
	}
}
