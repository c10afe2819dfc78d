package outbound

import (
	"encoding/json"
	"fmt"

	"github.com/2lab-ai/hal9/layers"
)

// filter reports whether a sink wants a result. What is no result at all is a permanent error.
type filter func(payload []byte) (bool, error)

func filterOf(sink Sink, deps Deps) (filter, error) {
	switch sink.On {
	case OnVerdicts:
		return compile(sink, deps.Verdicts)
	case OnSituations:
		return compile(sink, deps.Situations)
	default:
		return decode[layers.Plan](sink, nil), nil
	}
}

func compile[T any](sink Sink, compiler layers.Compiler[T]) (filter, error) {
	if sink.When == "" {
		return decode[T](sink, nil), nil
	}
	condition, err := compiler(sink.When)
	if err != nil {
		return nil, fmt.Errorf("outbound: sink %q: when: %w", sink.Name, err)
	}
	return decode(sink, condition), nil
}

// decode returns a filter; without a condition every result passes.
func decode[T any](sink Sink, condition layers.Condition[T]) filter {
	return func(payload []byte) (bool, error) {
		var result T
		if err := json.Unmarshal(payload, &result); err != nil {
			return false, layers.Permanent(fmt.Errorf("outbound: sink %q: message is none of HAL9's %s: %w", sink.Name, sink.On, err))
		}
		return condition == nil || condition(&result), nil
	}
}
