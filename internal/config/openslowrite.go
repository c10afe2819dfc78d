package config

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/2lab-ai/hal9/layers/strategic"
)

// FormatOpenSLO writes objectives as OpenSLO documents, which ParseOpenSLO reads back.
func FormatOpenSLO(objectives []strategic.Objective) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	for i := range objectives {
		if err := encoder.Encode(openSLOOf(&objectives[i])); err != nil {
			return nil, fmt.Errorf("config: write OpenSLO: %w", err)
		}
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("config: write OpenSLO: %w", err)
	}
	return out.Bytes(), nil
}

func openSLOOf(o *strategic.Objective) *openSLO {
	query := func(when string) openSLOMetric {
		return openSLOMetric{openSLOMetricSource{Type: openSLOSource, Spec: openSLOQuery{From: o.From, When: when}}}
	}
	slo := &openSLO{APIVersion: openSLOVersion, Kind: openSLOKind, Metadata: openSLOMetadata{Name: o.Name}}
	slo.Spec.Description, slo.Spec.Service = o.Description, "hal9"
	slo.Spec.Indicator.Metadata.Name = o.Name
	slo.Spec.Indicator.Spec.RatioMetric = openSLORatio{Counter: true, Good: query(o.Good), Total: query(o.Total)}
	total := &slo.Spec.Indicator.Spec.RatioMetric.Total.MetricSource.Spec
	total.Time, total.MinBad = o.Time, o.MinBad
	slo.Spec.TimeWindow = []openSLOWindow{{Duration: formatDuration(o.Window), IsRolling: true}}
	slo.Spec.BudgetingMethod = openSLOOccurrences
	slo.Spec.Objectives = []openSLOObjective{{Target: o.Target}}
	return slo
}

// formatDuration writes a duration as parseDuration reads it, in days where they are whole.
func formatDuration(d time.Duration) string {
	if d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}

// FormatObjectives writes objectives as the section of hal9.yaml.
func FormatObjectives(objectives []strategic.Objective) ([]byte, error) {
	type item struct {
		Name        string  `yaml:"name"`
		Description string  `yaml:"description,omitempty"`
		From        string  `yaml:"from,omitempty"`
		Target      float64 `yaml:"target"`
		Window      string  `yaml:"window"`
		Total       string  `yaml:"total"`
		Good        string  `yaml:"good"`
		Time        string  `yaml:"time,omitempty"`
		MinBad      int     `yaml:"min_bad,omitempty"`
	}
	var section struct {
		Objectives []item `yaml:"objectives"`
	}
	for _, o := range objectives {
		section.Objectives = append(section.Objectives, item{o.Name, o.Description, o.From, o.Target, formatDuration(o.Window), o.Total, o.Good, o.Time, o.MinBad})
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(section); err != nil {
		return nil, fmt.Errorf("config: write objectives: %w", err)
	}
	return out.Bytes(), nil
}
