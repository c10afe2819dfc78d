package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/layers/implementation"
)

// TestTooManyNeurons has one neuron more than a bank takes: L2 would never start.
func TestTooManyNeurons(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("neurons:\n")
	for i := range implementation.MaxNeurons + 1 {
		fmt.Fprintf(&b, "  - {name: n%d, weights: {a: 1}, threshold: 1}\n", i)
	}
	_, err := Parse("hal9.yaml", []byte(b.String()))
	if err == nil || !strings.Contains(err.Error(), "2001 neurons: want at most 2000") {
		t.Errorf("%v: want that these are too many", err)
	}
}
