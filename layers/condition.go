package layers

// Condition is a compiled test from the configuration. What it looks at may be absent: a
// missing field or a value of another type means that the condition does not hold.
type Condition[T any] func(*T) bool

// Compiler turns an expression of the configuration into a Condition; its error says where
// the expression is wrong. Layers take it as a parameter, so that they depend on no
// expression language.
type Compiler[T any] func(expression string) (Condition[T], error)
