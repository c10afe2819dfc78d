package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Mix weighs the operations; what it does not name is not done.
type Mix map[Operation]int

// DefaultMix returns the default: eight of ten operations publish, a quarter of these wait for
// the verdict. One in two hundred opens a tail, which every verdict then goes to: at an operation
// per user and second fifteen of a thousand users have one open.
func DefaultMix() Mix {
	return Mix{OperationHTTP: 50, OperationNATS: 70, OperationVerdict: 40, OperationStatus: 39, OperationTail: 1}
}

// ParseMix reads a mix such as "nats=80,verdict=20".
func ParseMix(text string) (Mix, error) {
	m := make(Mix)
	for part := range strings.SplitSeq(text, ",") {
		name, weight, _ := strings.Cut(part, "=")
		operation := Operation(strings.TrimSpace(name))
		n, err := strconv.Atoi(strings.TrimSpace(weight))
		if _, again := m[operation]; err != nil || again {
			return nil, fmt.Errorf("load: %q is no mix: want each operation once with a weight, such as nats=80,verdict=20", text)
		}
		m[operation] = n
	}
	return m, m.validate()
}

// String writes what ParseMix reads.
func (m Mix) String() string {
	var parts []string
	for _, operation := range m.operations() {
		parts = append(parts, string(operation)+"="+strconv.Itoa(m[operation]))
	}
	return strings.Join(parts, ",")
}

// weightMax bounds one weight.
const weightMax = 1_000_000

func (m Mix) validate() error {
	sum := 0
	for operation, weight := range m {
		if !slices.Contains(Operations(), operation) {
			return fmt.Errorf("load: %q is no operation: want http, nats, verdict, status or tail", operation)
		}
		if weight < 0 || weight > weightMax {
			return fmt.Errorf("load: weight %d of %s: want 0 to %d", weight, operation, weightMax)
		}
		sum += weight
	}
	if sum == 0 {
		return errors.New("load: the mix has no operation: want a weight above 0")
	}
	return nil
}

// web reports whether any operation goes over HTTP.
func (m Mix) web() bool { return m[OperationHTTP] > 0 || m[OperationStatus] > 0 }

// operations lists what is done at all.
func (m Mix) operations() []Operation {
	return slices.DeleteFunc(Operations(), func(o Operation) bool { return m[o] <= 0 })
}

// pick draws an operation.
func (m Mix) pick(random *rand.Rand) Operation {
	done := m.operations()
	sum := 0
	for _, operation := range done {
		sum += m[operation]
	}
	drawn := random.IntN(sum)
	for _, operation := range done {
		if drawn -= m[operation]; drawn < 0 {
			return operation
		}
	}
	return done[len(done)-1]
}
