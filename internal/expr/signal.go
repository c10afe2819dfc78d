package expr

import (
	"encoding/json"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/2lab-ai/hal9/layers"
)

func signalVariables() []variable {
	return []variable{
		{"source", cel.StringType},
		{"type", cel.StringType},
		{"key", cel.StringType},
		{"text", cel.StringType},
		{"severity", cel.IntType},
		{"value", cel.DoubleType},
		{"has_value", cel.BoolType},
		{"labels", cel.MapType(cel.StringType, cel.StringType)},
		{"data", cel.DynType},
	}
}

// signalInput hands a signal's fields to an expression, one by one as it asks for them.
type signalInput struct {
	signal  *layers.Signal
	data    any
	decoded bool    // data holds the parsed payload
	absent  ref.Val // what a field without a value evaluates to; cel writes to it, so it is not shared
}

func newSignalInput() input[layers.Signal] {
	return &signalInput{absent: types.NewErrFromString("the signal has no such field")}
}

func (in *signalInput) bind(s *layers.Signal) {
	in.signal, in.data, in.decoded = s, nil, false
}

// Parent says that there is nothing behind the signal.
func (*signalInput) Parent() cel.Activation { return nil }

// ResolveName returns the named field of the signal.
func (in *signalInput) ResolveName(name string) (any, bool) {
	switch name {
	case "source":
		return types.String(in.signal.Source), true
	case "type":
		return types.String(in.signal.Type), true
	case "key":
		return types.String(in.signal.Key), true
	case "text":
		return types.String(in.signal.Text), true
	case "severity":
		return types.Int(in.signal.Severity), true
	case "value":
		if !in.signal.HasValue {
			return in.absent, true
		}
		return types.Double(in.signal.Value), true
	case "has_value":
		return types.Bool(in.signal.HasValue), true
	case "labels":
		return in.signal.Labels, true
	case "data":
		return in.payload(), true
	}
	return nil, false
}

// payload parses the signal's data when an expression first asks for it; most never do.
func (in *signalInput) payload() any {
	if in.decoded {
		return in.data
	}
	in.decoded = true
	if len(in.signal.Data) == 0 || json.Unmarshal(in.signal.Data, &in.data) != nil {
		in.data = in.absent
	}
	return in.data
}
