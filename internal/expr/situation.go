package expr

import (
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/2lab-ai/hal9/layers"
)

func situationVariables() []variable {
	return []variable{
		{"event", cel.StringType},
		{"duration_s", cel.DoubleType},
		{"revision", cel.IntType},
		{"severity", cel.IntType},
		{"key", cel.StringType},
		{"title", cel.StringType},
		{"members", cel.IntType},
		{"anomaly", cel.DoubleType},
		{"entities", cel.ListType(cel.StringType)},
	}
}

// situationInput hands a situation's fields to an expression.
type situationInput struct{ situation *layers.Situation }

func newSituationInput() input[layers.Situation] { return new(situationInput) }

func (in *situationInput) bind(s *layers.Situation) { in.situation = s }

// Parent says that there is nothing behind the situation.
func (*situationInput) Parent() cel.Activation { return nil }

// ResolveName returns the named field of the situation.
func (in *situationInput) ResolveName(name string) (any, bool) {
	switch name {
	case "event":
		return types.String(in.situation.Event), true
	case "duration_s":
		return types.Double(duration(in.situation).Seconds()), true
	case "revision":
		return types.Int(in.situation.Revision), true
	case "severity":
		return types.Int(in.situation.Severity), true
	case "key":
		return types.String(in.situation.Key), true
	case "title":
		return types.String(in.situation.Title), true
	case "members":
		return types.Int(in.situation.Members), true
	case "anomaly":
		return types.Double(in.situation.Anomaly), true
	case "entities":
		names := make([]string, len(in.situation.Entities))
		for i, entity := range in.situation.Entities {
			names[i] = entity.Name
		}
		return names, true
	}
	return nil, false
}

// duration returns how long a situation lasted, in event time: to its end, or to its newest signal.
func duration(s *layers.Situation) time.Duration {
	if end := s.ClosedAt; !end.IsZero() {
		return end.Sub(s.OpenedAt)
	}
	return s.UpdatedAt.Sub(s.OpenedAt)
}
