package cli

import (
	"fmt"
	"slices"

	"github.com/2lab-ai/hal9/pipeline"
)

// Kind is a kind of result that HAL9 publishes.
type Kind string

// The kinds of results.
const (
	KindVerdicts   Kind = "verdicts"
	KindSituations Kind = "situations"
	KindPlans      Kind = "plans"
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{KindVerdicts, KindSituations, KindPlans} }

// ParseKind reads a kind's word.
func ParseKind(text string) (Kind, error) {
	if kind := Kind(text); slices.Contains(Kinds(), kind) {
		return kind, nil
	}
	return "", fmt.Errorf("cli: %q is no kind of result: want verdicts, situations or plans", text)
}

func (k Kind) stream() string {
	switch k {
	case KindSituations:
		return pipeline.StreamSituations
	case KindPlans:
		return pipeline.StreamPlans
	default:
		return pipeline.StreamVerdicts
	}
}

func (k Kind) subject() string {
	switch k {
	case KindSituations:
		return pipeline.SubjectSituations
	case KindPlans:
		return pipeline.SubjectPlans
	default:
		return pipeline.SubjectVerdicts
	}
}
