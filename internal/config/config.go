// Package config reads hal9.yaml. Everything in it is optional and everything is checked
// before anything starts: an unknown key, a value of the wrong type or out of its range, an
// expression that does not compile and a name that stands twice are problems with file, line
// and column, told all at once. What a value means and which range it has is known by the
// package that owns it; this one knows where it stands.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"time"

	"github.com/2lab-ai/hal9/internal/escalation"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/outbound"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers/implementation"
	"github.com/2lab-ai/hal9/layers/operational"
	"github.com/2lab-ai/hal9/layers/reflexive"
	"github.com/2lab-ai/hal9/layers/strategic"
	"github.com/2lab-ai/hal9/layers/tactical"
)

// File is what hal9.yaml says.
type File struct {
	Sources        []ingest.SourceRule     `yaml:"sources"`         // what sources do not say themselves; default none
	Rules          []reflexive.Rule        `yaml:"rules"`           // answers of L1, in order; default none
	Inhibit        []reflexive.Inhibit     `yaml:"inhibit"`         // what L1 suppresses while an alert fires that explains it; default none
	Flapping       reflexive.Flapping      `yaml:"flapping"`        // when L1 takes an alert to change its state too often
	Neurons        []implementation.Neuron `yaml:"neurons"`         // what L2 looks for in signals; default none
	Patterns       []operational.Pattern   `yaml:"patterns"`        // what L3 is to take for trouble together; default none
	Windows        Windows                 `yaml:"windows"`         // how far L1 and L3 look
	Playbooks      []tactical.Playbook     `yaml:"playbooks"`       // plans of L4, in order; default none
	Consensus      tactical.Council        `yaml:"consensus"`       // how L4's plans with actions are agreed on
	Objectives     []strategic.Objective   `yaml:"objectives"`      // goals of L5, beside the built-in ones; default none
	ObjectivesFrom []string                `yaml:"objectives_from"` // files of OpenSLO documents with more of them; default none
	Metrics        []strategic.Metric      `yaml:"metrics"`         // what is counted of signals for Prometheus; default none
	Sinks          []outbound.Sink         `yaml:"sinks"`           // where results go beside NATS; default none
	Scaling        Scaling                 `yaml:"scaling"`         // how many replicas layers get
	Escalation     []escalation.Step       `yaml:"escalation"`      // whom hal9 doctor names beside what it finds; default none
	InOrder        bool                    `yaml:"in_order"`        // whether critical signals wait in line under overload, too; default false
}

// Windows say how far the layers look in time.
type Windows struct {
	Dedup     time.Duration `yaml:"dedup"`     // for how long L1 knows a signal again; 1ms to 31d, default 5m
	Alert     time.Duration `yaml:"alert"`     // for how long an alert counts as still firing when nothing more comes of it, in event time; 1ms to 31d, default 6h
	Lateness  time.Duration `yaml:"lateness"`  // how far behind its key's newest signal one may be at L3; 0s to 24h, default 1m
	Situation time.Duration `yaml:"situation"` // how long L3 keeps a situation open for the next signal; 1s to 7d, default 10m
}

// Default returns what holds without a file.
func Default() File {
	l3 := operational.DefaultConfig()
	return File{
		Windows: Windows{
			Dedup:     reflexive.DefaultConfig().DedupWindow,
			Alert:     reflexive.DefaultConfig().AlertWindow,
			Lateness:  l3.Lateness,
			Situation: l3.SituationGap,
		},
		Flapping:  reflexive.DefaultFlapping(),
		Consensus: tactical.DefaultCouncil(),
		Scaling:   Scaling{Config: policy.DefaultConfig()},
	}
}

// Load reads the file at path. Its error joins a *Problem for each thing that is wrong in the
// file.
func Load(path string) (File, error) {
	data, err := read(path)
	if err != nil {
		return File{}, err
	}
	return Parse(path, data)
}

// Parse reads data, which problems call name. What data does not say has its default. The
// error joins a *Problem for each thing that is wrong.
func Parse(name string, data []byte) (File, error) {
	file, d := parse(name, data)
	if len(d.problems) == 0 {
		return file, nil
	}
	problems := make([]error, len(d.problems))
	for i := range d.problems {
		problems[i] = &d.problems[i]
	}
	return File{}, errors.Join(problems...)
}

// parse returns what data says as far as it is understood, and the decoder with its problems
// in the order of the file.
func parse(name string, data []byte) (File, *decoder) {
	file := Default()
	d := newDecoder(name, data)
	if top := d.root(data); top != nil {
		d.decode(top, "", reflect.ValueOf(&file).Elem())
		d.validate(&file)
		d.addOpenSLO(&file)
	}
	sortProblems(d.problems)
	return file, d
}

// read reads a file of at most one byte more than is allowed, which parsing then reports.
func read(path string) (data []byte, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("config: %s does not exist: create it (an empty file is valid), name another one,"+
			" or name none to run with the defaults: %w", path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return data, nil
}
