package expr

import (
	"math"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/2lab-ai/hal9/layers"
)

// Number compiles an expression over a signal that is a number, such as value / 1000.0, data.price or
// double(labels.code). There is no number where the signal lacks what it looks at, or where it is not finite; true is 1.
// The error is a *CompileError.
func Number(expression string) (func(*layers.Signal) (float64, bool), error) {
	program, err := build(expression, signalVariables(), func(kind *cel.Type) string {
		switch kind.Kind() {
		case types.DoubleKind, types.IntKind, types.UintKind, types.BoolKind, types.DynKind:
			return ""
		}
		return "the expression must be a number, this one is of type " + cel.FormatCELType(kind) + ": write double(…)"
	})
	if err != nil {
		return nil, err
	}
	result := evaluate(program, newSignalInput)
	return func(s *layers.Signal) (float64, bool) {
		out, ok := result(s)
		if !ok {
			return 0, false
		}
		return number(out)
	}, nil
}

func number(out ref.Val) (float64, bool) {
	var f float64
	switch v := out.(type) {
	case types.Double:
		f = float64(v)
	case types.Int:
		f = float64(v)
	case types.Uint:
		f = float64(v)
	case types.Bool:
		if v {
			f = 1
		}
	default:
		return 0, false
	}
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// Text compiles an expression over a signal that is a text, a number or true or false, such as labels.region or
// data.status; numbers are written as CEL's string() does. There is no text where the signal lacks what it looks at.
// The error is a *CompileError.
func Text(expression string) (func(*layers.Signal) (string, bool), error) {
	program, err := build(expression, signalVariables(), func(kind *cel.Type) string {
		switch kind.Kind() {
		case types.StringKind, types.DoubleKind, types.IntKind, types.UintKind, types.BoolKind, types.DynKind:
			return ""
		}
		return "the expression must be a text, this one is of type " + cel.FormatCELType(kind)
	})
	if err != nil {
		return nil, err
	}
	result := evaluate(program, newSignalInput)
	return func(s *layers.Signal) (string, bool) {
		out, ok := result(s)
		if !ok {
			return "", false
		}
		text, ok := out.ConvertToType(types.StringType).(types.String)
		if !ok || !utf8.ValidString(string(text)) {
			return strings.ToValidUTF8(string(text), "?"), ok
		}
		return string(text), true
	}, nil
}
