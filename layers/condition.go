package layers

// Condition is a compiled test from the configuration. What it looks at may be absent: a
// missing field or a value of another type means that the condition does not hold.
type Condition[T any] func(*T) bool

// Compiler turns an expression of the configuration into a Condition; its error says where
// the expression is wrong. Layers take it as a parameter, so that they depend on no
// expression language.
type Compiler[T any] func(expression string) (Condition[T], error)

// Reads says which parts of a signal a condition looks at, beside its severity.
type Reads uint8

// The parts of a signal.
const (
	ReadsSource Reads = 1 << iota
	ReadsType
	ReadsKey
	ReadsText
	ReadsValue // whether there is one, too
	ReadsLabels
	ReadsData

	ReadsAll Reads = 1<<iota - 1
)

// Guard is what must be so for a condition to hold: the field has one of the values, or begins with one.
type Guard struct {
	Field  string // "source", "type", "key", or "label:" and a label's name
	Values []string
	Prefix bool
}

// Scope is what can be said about a condition without evaluating it. The condition can't hold where one of its
// guards does not.
type Scope struct {
	Reads  Reads
	Guards []Guard
}
