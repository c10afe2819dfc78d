package expr

import (
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// TestCostIsBounded evaluates expressions whose work explodes with the input. Each must give
// up soon; without the cost limit they run for minutes or take all memory.
func TestCostIsBounded(t *testing.T) {
	t.Parallel()
	signal := &layers.Signal{
		Text: strings.Repeat("a ", 20_000),
		Data: []byte("[" + strings.Repeat("1,", 20_000) + "1]"),
	}
	loop := "true"
	for range 6 {
		loop = "data.all(x, " + loop + ")"
	}
	for _, expression := range []string{
		loop,
		`text.split(" ").map(x, text.split(" ")).size() > 0`,
		`text.split("").all(x, text.contains(x + "b") || true)`,
	} {
		condition, err := Signal(expression)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		started := time.Now()
		if condition(signal) {
			t.Errorf("%s: holds", expression)
		}
		if took := time.Since(started); took > 20*time.Second {
			t.Errorf("%s: took %s", expression, took)
		}
	}
}

func TestLinear(t *testing.T) {
	t.Parallel()
	env, err := newEnvironment(signalVariables())
	if err != nil {
		t.Fatal(err)
	}
	for expression, want := range map[string]bool{
		`severity >= error && labels.env == "prod"`: true,
		`text.matches("a+") && value * 2.0 > 1`:     true,
		`int(data.x) in [1, 2]`:                     true,
		`labels.exists(k, k == "a")`:                false,
		`size(text.split(" ")) > 3`:                 false,
	} {
		checked, err := check(env, expression, signalVariables(), explainBool)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := isLinear(checked.NativeRep()); got != want {
			t.Errorf("%s: linear = %t", expression, got)
		}
	}
}
