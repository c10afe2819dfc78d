package expr

import (
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/2lab-ai/hal9/layers"
)

const (
	// maxLength bounds an expression, in bytes: far more than a person writes, and little
	// enough for the work of an evaluation to be bounded by it.
	maxLength = 4096
	// maxDepth bounds how deep an expression nests.
	maxDepth = 64
	// maxRegex bounds a compiled regular expression, in instructions.
	maxRegex = 2000
	// maxCost bounds one evaluation of an expression with loops, in CEL's cost units. A unit
	// is about one operation.
	maxCost = 1_000_000
)

// variable is a name that expressions know.
type variable struct {
	name string
	kind *cel.Type
}

// input hands the fields of one T to an evaluation. It is reused and knows one T at a time.
type input[T any] interface {
	cel.Activation
	bind(*T)
}

// compile turns an expression over the variables of T into a condition.
func compile[T any](text string, variables []variable, newInput func() input[T]) (layers.Condition[T], error) {
	program, err := build(text, variables, explainBool)
	if err != nil {
		return nil, err
	}
	return condition(program, newInput), nil
}

// build compiles an expression whose type kindProblem accepts.
func build(text string, variables []variable, kindProblem func(*cel.Type) string) (cel.Program, error) {
	if err := checkLength(text); err != nil {
		return nil, err
	}
	env, err := newEnvironment(variables)
	if err != nil {
		return nil, fmt.Errorf("expr: %w", err)
	}
	checked, err := check(env, text, variables, kindProblem)
	if err != nil {
		return nil, err
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if !isLinear(checked.NativeRep()) {
		options = append(options, cel.CostLimit(maxCost))
	}
	program, err := env.Program(checked, options...)
	if err != nil {
		return nil, &CompileError{Issues: []Issue{{Line: 1, Column: 1, Message: err.Error()}}}
	}
	return program, nil
}

// condition evaluates program on inputs from a pool, so that an evaluation allocates little
// more than the strings that it looks at.
func condition[T any](program cel.Program, newInput func() input[T]) layers.Condition[T] {
	result := evaluate(program, newInput)
	return func(value *T) bool {
		out, ok := result(value)
		return ok && out == types.True
	}
}

// evaluate returns the result of program, and false where there is none: something is absent, of another type or too
// expensive. Eval turns a panic into an error.
func evaluate[T any](program cel.Program, newInput func() input[T]) func(*T) (ref.Val, bool) {
	pool := &sync.Pool{New: func() any { return newInput() }}
	return func(value *T) (ref.Val, bool) {
		if value == nil {
			return nil, false
		}
		in, ok := pool.Get().(input[T])
		if !ok {
			return nil, false
		}
		in.bind(value)
		out, _, err := program.Eval(in)
		in.bind(nil)
		pool.Put(in)
		return out, err == nil
	}
}

// newEnvironment declares the variables and what may be done with them.
func newEnvironment(variables []variable) (*cel.Env, error) {
	options := []cel.EnvOption{
		ext.Strings(),
		cel.CrossTypeNumericComparisons(true), // value > 5 needs no decimal point
		cel.ASTValidators(
			cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(),
		),
		cel.RegexProgramSizeLimit(maxRegex),
		cel.ParserRecursionLimit(maxDepth),
		cel.CustomTypeAdapter(orderedAdapter{}),
	}
	for _, v := range variables {
		options = append(options, cel.Variable(v.name, v.kind))
	}
	for s := layers.SeverityDebug; s <= layers.SeverityCritical; s++ {
		options = append(options, cel.Constant(s.String(), cel.IntType, types.Int(s)))
	}
	return cel.NewEnv(options...)
}

func checkLength(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return &CompileError{Issues: []Issue{{Line: 1, Column: 1, Message: "the expression is empty"}}}
	case len(text) > maxLength:
		message := fmt.Sprintf("the expression has %d bytes, %d are allowed", len(text), maxLength)
		return &CompileError{Issues: []Issue{{Line: 1, Column: 1, Message: message}}}
	}
	return nil
}
