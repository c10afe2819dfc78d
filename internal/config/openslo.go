package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/layers/strategic"
)

// What HAL9 reads and writes of OpenSLO (github.com/OpenSLO/OpenSLO, v1).
const (
	openSLOVersion     = "openslo/v1"
	openSLOKind        = "SLO"
	openSLOOccurrences = "Occurrences"
	openSLOSource      = "hal9" // type of metricSource
)

// openSLO is an SLO document. What HAL9 has no use for (labels, service) is read and left alone; what would change the meaning
// is refused.
type openSLO struct {
	APIVersion string          `yaml:"apiVersion"`
	Kind       string          `yaml:"kind"`
	Metadata   openSLOMetadata `yaml:"metadata"`
	Spec       openSLOSpec     `yaml:"spec"`
}

type openSLOMetadata struct {
	Name        string `yaml:"name"`
	DisplayName string `yaml:"displayName,omitempty"`
	Labels      any    `yaml:"labels,omitempty"`
	Annotations any    `yaml:"annotations,omitempty"`
}

type openSLOSpec struct {
	Description     string             `yaml:"description,omitempty"`
	Service         string             `yaml:"service,omitempty"`
	Indicator       openSLOIndicator   `yaml:"indicator"`
	IndicatorRef    string             `yaml:"indicatorRef,omitempty"`
	TimeWindow      []openSLOWindow    `yaml:"timeWindow"`
	BudgetingMethod string             `yaml:"budgetingMethod"`
	Objectives      []openSLOObjective `yaml:"objectives"`
	AlertPolicies   any                `yaml:"alertPolicies,omitempty"`
}

type openSLOIndicator struct {
	Metadata openSLOMetadata      `yaml:"metadata"`
	Spec     openSLOIndicatorSpec `yaml:"spec"`
}

type openSLOIndicatorSpec struct {
	Description     string       `yaml:"description,omitempty"`
	ThresholdMetric any          `yaml:"thresholdMetric,omitempty"`
	RatioMetric     openSLORatio `yaml:"ratioMetric"`
}

type openSLORatio struct {
	Counter bool          `yaml:"counter"`
	Good    openSLOMetric `yaml:"good"`
	Bad     any           `yaml:"bad,omitempty"`
	Total   openSLOMetric `yaml:"total"`
	RawType string        `yaml:"rawType,omitempty"`
	Raw     any           `yaml:"raw,omitempty"`
}

type openSLOMetric struct {
	MetricSource openSLOMetricSource `yaml:"metricSource"`
}

type openSLOMetricSource struct {
	Type string       `yaml:"type"`
	Ref  string       `yaml:"metricSourceRef,omitempty"`
	Spec openSLOQuery `yaml:"spec"`
}

// openSLOQuery is HAL9's own: an expression over verdicts, signals or situations.
type openSLOQuery struct {
	From   string `yaml:"from,omitempty"`
	When   string `yaml:"when"`
	Time   string `yaml:"time,omitempty"`    // of total only
	MinBad int    `yaml:"min_bad,omitempty"` // of total only
}

type openSLOWindow struct {
	Duration  string `yaml:"duration"`
	IsRolling bool   `yaml:"isRolling"`
	Calendar  any    `yaml:"calendar,omitempty"`
}

type openSLOObjective struct {
	DisplayName     string  `yaml:"displayName,omitempty"`
	Op              string  `yaml:"op,omitempty"`
	Value           any     `yaml:"value,omitempty"`
	Target          float64 `yaml:"target"`
	TargetPercent   float64 `yaml:"targetPercent,omitempty"`
	TimeSliceTarget any     `yaml:"timeSliceTarget,omitempty"`
	TimeSliceWindow any     `yaml:"timeSliceWindow,omitempty"`
	Indicator       any     `yaml:"indicator,omitempty"`
	IndicatorRef    string  `yaml:"indicatorRef,omitempty"`
	Weight          any     `yaml:"compositeWeight,omitempty"`
}

// LoadOpenSLO reads the objectives of a file of OpenSLO documents, as ParseOpenSLO does.
func LoadOpenSLO(path string) ([]strategic.Objective, error) {
	data, err := readRegular(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return ParseOpenSLO(path, data)
}

// ParseOpenSLO reads the objectives of one or several OpenSLO documents of the kind SLO, which problems call name: a ratio
// metric of expressions, a rolling window, budgeting by occurrences, one target each. The error joins a *Problem for each
// thing that is wrong or that HAL9 has no equal of.
func ParseOpenSLO(name string, data []byte) ([]strategic.Objective, error) {
	objectives, problems := parseOpenSLO(name, data)
	if len(problems) == 0 {
		return objectives, nil
	}
	return nil, joinProblems(problems)
}

func parseOpenSLO(name string, data []byte) (objectives []strategic.Objective, problems []Problem) {
	if len(data) > maxBytes {
		return nil, []Problem{{File: name, Line: 1, Column: 1, Message: fmt.Sprintf("the file has more than %d bytes", maxBytes)}}
	}
	seen := map[string]bool{}
	for i, part := range documents(data) {
		if isBlank(part) {
			continue
		}
		if i >= maxDocuments {
			return nil, []Problem{{File: name, Line: 1, Column: 1, Message: fmt.Sprintf("there are more than %d documents", maxDocuments)}}
		}
		var slo openSLO
		doc := ParseDocument(name, part, &slo)
		if len(doc.d.problems) == 0 {
			doc.checkOpenSLO(&slo)
		}
		doc.d.notBefore(part)
		if len(doc.d.problems) == 0 {
			objectives = append(objectives, doc.objective(&slo))
			if seen[slo.Metadata.Name] {
				doc.Report("metadata.name", "%q is the name of another document, too", shorten(slo.Metadata.Name))
			}
			seen[slo.Metadata.Name] = true
		}
		problems = append(problems, doc.d.problems...)
	}
	if len(objectives)+len(problems) == 0 {
		problems = append(problems, Problem{File: name, Line: 1, Column: 1, Message: "there is no document in it: want apiVersion: openslo/v1, kind: SLO"})
	}
	sortProblems(problems)
	return objectives, problems
}

// maxDocuments bounds how many documents a file has.
const maxDocuments = 60

// documents splits a file where a line is "---". Each part keeps its place: as many empty lines as come before it.
func documents(data []byte) (parts [][]byte) {
	var part []byte
	lines := 0
	for line := range bytes.Lines(data) {
		lines++
		if text := strings.TrimRight(string(line), " \t\r\n"); text == "---" {
			parts = append(parts, part)
			part = bytes.Repeat([]byte("\n"), lines)
			if len(parts) > maxDocuments {
				break
			}
			continue
		}
		part = append(part, line...)
	}
	return append(parts, part)
}

func joinProblems(problems []Problem) error {
	doc := Document{&decoder{problems: slices.Clone(problems)}}
	return doc.Err()
}

// notBefore puts what has no place of its own at the first line of its document.
func (d *decoder) notBefore(part []byte) {
	first := bytes.Count(part[:len(part)-len(bytes.TrimLeft(part, "\r\n"))], []byte("\n")) + 1
	for i := range d.problems {
		d.problems[i].Line = max(d.problems[i].Line, min(first, max(1, len(d.lines))))
	}
}

// isBlank reports whether there is nothing but comments.
func isBlank(part []byte) bool {
	for line := range bytes.Lines(part) {
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' {
			return false
		}
	}
	return true
}
