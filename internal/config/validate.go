package config

import (
	"errors"
	"reflect"
	"regexp"
	"strings"

	"github.com/2lab-ai/hal9/internal/escalation"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/outbound"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
	"github.com/2lab-ai/hal9/layers/operational"
	"github.com/2lab-ai/hal9/layers/reflexive"
	"github.com/2lab-ai/hal9/layers/tactical"
)

// What the owners' texts begin with: `tactical: playbooks[0].steps[1] is empty: …`.
var (
	packagePrefix = regexp.MustCompile(`^[a-z]+: `)
	itemPrefix    = regexp.MustCompile(`^(?:[a-z]+\[0\][.:]? ?|(?:rule 1|inhibit 1|sink) "(?:[^"\\]|\\.)*": |sink )`)
	windowPrefix  = regexp.MustCompile(`^(?:dedup window|alert window|\w+ is) `)
	fieldPrefix   = regexp.MustCompile(`(?s)^([a-z_]+(?:\[\d+\]|\.[^\s:]+)?)(?: is)?:? (.*)$`)
)

// validate asks the packages that own the items, one item at a time, so that each of their
// problems can be shown where the item stands.
func (d *decoder) validate(f *File) {
	d.validateWindows(f.Windows)
	d.validateConsensus(f.Consensus)
	d.validateScaling(&f.Scaling)
	d.eachItem("sources", reflect.ValueOf(f.Sources), func(i int) error {
		c := ingest.DefaultConfig()
		c.Sources = f.Sources[i : i+1]
		return c.Validate()
	})
	d.eachItem("rules", reflect.ValueOf(f.Rules), func(i int) error {
		c := reflexive.DefaultConfig()
		c.Rules = f.Rules[i : i+1]
		return c.Validate()
	})
	d.eachItem("inhibit", reflect.ValueOf(f.Inhibit), func(i int) error {
		c := reflexive.DefaultConfig()
		c.Inhibit = f.Inhibit[i : i+1]
		return c.Validate()
	})
	if n := len(f.Inhibit); n > reflexive.MaxInhibit {
		d.report(d.nearestNode("inhibit"), "inhibit", "%d inhibitions: want at most %d", n, reflexive.MaxInhibit)
	}
	d.validateFlapping(&f.Flapping)
	d.eachItem("neurons", reflect.ValueOf(f.Neurons), func(i int) error {
		c := implementation.DefaultConfig()
		c.Neurons = f.Neurons[i : i+1]
		return c.Validate()
	})
	if n := len(f.Neurons); n > implementation.MaxNeurons {
		d.report(d.nearestNode("neurons"), "neurons", "%d neurons: want at most %d", n, implementation.MaxNeurons)
	}
	d.eachItem("patterns", reflect.ValueOf(f.Patterns), func(i int) error {
		return operational.ValidatePatterns(f.Patterns[i : i+1])
	})
	d.eachItem("playbooks", reflect.ValueOf(f.Playbooks), func(i int) error {
		c := tactical.DefaultConfig()
		c.Playbooks = f.Playbooks[i : i+1]
		return c.Validate()
	})
	d.validateGoals(f)
	d.eachItem("sinks", reflect.ValueOf(f.Sinks), func(i int) error {
		c := outbound.DefaultConfig()
		c.Sinks = f.Sinks[i : i+1]
		return c.Validate()
	})
	d.eachItem("escalation", reflect.ValueOf(f.Escalation), func(i int) error { return f.Escalation[i].Validate() })
	if n := len(f.Escalation); n > escalation.MaxSteps {
		d.report(d.nearestNode("escalation"), "escalation", "%d steps: want at most %d", n, escalation.MaxSteps)
	}
	if !d.full() {
		d.compileAll(f)
	}
}

// eachItem checks the items of a list that the file has, and that no two of them have the
// same name.
func (d *decoder) eachItem(list string, items reflect.Value, check func(i int) error) {
	if _, inFile := d.nodes[list]; !inFile {
		return
	}
	first := make(map[string]int)
	fields, _ := fieldsOf(items.Type().Elem())
	for i := range items.Len() {
		if d.full() {
			return
		}
		path := itemPath(list, i)
		if !d.broken(path) {
			d.reportAll(path, fields, check(i))
		}
		field := items.Index(i).FieldByName("Name")
		if !field.IsValid() || field.String() == "" {
			continue
		}
		name := field.String()
		if before, taken := first[name]; taken {
			n := d.nearestNode(path + ".name")
			d.report(n, path+".name", "%q is the name of %s, too, in line %d: every name may stand once",
				shorten(name), itemPath(list, before), d.nearestNode(itemPath(list, before)+".name").Line)
			continue
		}
		first[name] = i
	}
}

// validateWindows asks both layers; a problem belongs to the window that its text names.
func (d *decoder) validateWindows(w Windows) {
	if _, inFile := d.nodes["windows"]; !inFile || d.broken("windows") {
		return
	}
	l1 := reflexive.DefaultConfig()
	l1.DedupWindow, l1.AlertWindow = w.Dedup, w.Alert
	l3 := operational.DefaultConfig()
	l3.Lateness, l3.SituationGap = w.Lateness, w.Situation
	for _, err := range append(leaves(l1.Validate()), leaves(l3.Validate())...) {
		message := withoutPackage(err.Error())
		path := "windows"
		for _, key := range []string{"situation", "lateness", "dedup", "alert"} {
			if strings.Contains(strings.ToLower(message), key) {
				path = "windows." + key
			}
		}
		d.report(d.nearestNode(path), path, "%s", windowPrefix.ReplaceAllString(message, ""))
	}
}

func (d *decoder) validateConsensus(c tactical.Council) {
	if _, inFile := d.nodes["consensus"]; !inFile || d.broken("consensus") {
		return
	}
	fields, _ := fieldsOf(reflect.TypeFor[tactical.Council]())
	d.reportAll("consensus", fields, c.Validate())
}

// validateFlapping asks L1; a problem belongs to the key that its text names.
func (d *decoder) validateFlapping(f *reflexive.Flapping) {
	if _, inFile := d.nodes["flapping"]; !inFile || d.broken("flapping") {
		return
	}
	for _, err := range leaves(f.Validate()) {
		key, message, _ := strings.Cut(strings.TrimPrefix(withoutPackage(err.Error()), "flapping "), " ")
		path := "flapping." + key
		d.report(d.nearestNode(path), path, "%s", message)
	}
}

// compileAll compiles every expression of the file.
func (d *decoder) compileAll(f *File) {
	for i, r := range f.Rules {
		compile(d, itemPath("rules", i)+".when", r.When, expr.Signal)
	}
	for i, n := range f.Inhibit {
		compile(d, itemPath("inhibit", i)+".source", n.Source, expr.Signal)
		compile(d, itemPath("inhibit", i)+".target", n.Target, expr.Signal)
	}
	for i := range f.Patterns {
		for _, expression := range f.Patterns[i].Conditions() {
			compile(d, itemPath("patterns", i), expression, expr.Signal)
		}
	}
	for i, p := range f.Playbooks {
		compile(d, itemPath("playbooks", i)+".when", p.When, expr.Situation)
	}
	d.compileGoals(f)
	for i, s := range f.Sinks {
		switch s.On {
		case outbound.OnVerdicts:
			compile(d, itemPath("sinks", i)+".when", s.When, expr.Verdict)
		case outbound.OnSituations:
			compile(d, itemPath("sinks", i)+".when", s.When, expr.Situation)
		}
	}
}

// compile reports what is wrong with an expression. An empty one is its owner's business.
func compile[T any](d *decoder, path, text string, compiler layers.Compiler[T]) {
	if strings.TrimSpace(text) == "" {
		return
	}
	_, err := compiler(text)
	if err == nil {
		return
	}
	compileError, ok := errors.AsType[*expr.CompileError](err)
	if !ok {
		d.report(d.nearestNode(path), path, "%s", withoutPackage(err.Error()))
		return
	}
	for _, issue := range compileError.Issues {
		d.reportExpression(path, issue)
	}
}

// reportAll reports the problems of an item, each at the field that its text begins with.
func (d *decoder) reportAll(path string, fields map[string][]int, err error) {
	for _, leaf := range leaves(err) {
		message := itemPrefix.ReplaceAllString(withoutPackage(leaf.Error()), "")
		at := path
		if m := fieldPrefix.FindStringSubmatch(message); m != nil {
			name, _, _ := strings.Cut(strings.ReplaceAll(m[1], "[", "."), ".")
			if _, ok := fields[name]; ok {
				at, message = path+"."+m[1], m[2]
			}
		}
		d.report(d.nearestNode(at), at, "%s", message)
	}
}

// leaves returns the errors that were joined into err, however deep, and err itself where
// none were. A prefix before joined errors only says which item they are about.
func leaves(err error) []error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		joined, ok := e.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, leaves(one)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// withoutPackage cuts the package that begins an error's text: the file's position does
// instead.
func withoutPackage(text string) string {
	return packagePrefix.ReplaceAllString(text, "")
}
