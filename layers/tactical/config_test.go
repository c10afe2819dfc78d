package tactical_test

import (
	"math"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers/tactical"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := tactical.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

func TestConfigProblems(t *testing.T) {
	tests := []struct {
		name   string
		change func(c *tactical.Config)
		want   []string
	}{
		{"no memory", func(c *tactical.Config) { c.MaxMemory = 0 }, []string{"max_memory is 0: want 1 to 1000000"}},
		{"too much memory", func(c *tactical.Config) { c.MaxMemory = 1_000_001 }, []string{"max_memory is 1000001"}},
		{"none recalled", func(c *tactical.Config) { c.MaxRecalled = 0 }, []string{"max_recalled is 0"}},
		{"similarity of nothing", func(c *tactical.Config) { c.MinSimilarity = math.NaN() }, []string{"min_similarity is NaN", "known_similarity"}},
		{"known below recalled", func(c *tactical.Config) { c.KnownSimilarity = .4 }, []string{"known_similarity is 0.4: want min_similarity (0.5) to 1"}},
		{"no name", func(c *tactical.Config) { c.Playbooks[1].Name = " " }, []string{`playbooks[1].name is " "`}},
		{"a name of two lines", func(c *tactical.Config) { c.Playbooks[1].Name = "a\nb" }, []string{`playbooks[1].name is "a\nb"`}},
		{"a name twice", func(c *tactical.Config) { c.Playbooks[1].Name = "disk-full" }, []string{`playbooks[1].name is "disk-full", the name of playbooks[0]`}},
		{"no condition", func(c *tactical.Config) { c.Playbooks[0].When = "" }, []string{"playbooks[0].when is empty"}},
		{"a condition that does not compile", func(c *tactical.Config) { c.Playbooks[0].When = "severity >" }, []string{`playbooks[0].when of "disk-full"`}},
		{"no steps", func(c *tactical.Config) { c.Playbooks[0].Steps = nil }, []string{"playbooks[0].steps is empty: want at least one step"}},
		{"an empty step", func(c *tactical.Config) { c.Playbooks[0].Steps = []string{"a", ""} }, []string{"playbooks[0].steps[1] is empty"}},
		{
			"all at once",
			func(c *tactical.Config) { c.MaxMemory, c.Playbooks[0].Steps, c.Playbooks[1].When = 0, nil, "nonsense(" },
			[]string{"max_memory", "playbooks[0].steps", `playbooks[1].when of "second"`},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := tactical.DefaultConfig()
			second := diskFull()
			second.Name = "second"
			cfg.Playbooks = []tactical.Playbook{diskFull(), second}
			test.change(&cfg)
			_, err := tactical.New(cfg, expr.Situation)
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			for problem := range strings.SplitSeq(err.Error(), "\n") {
				if strings.HasPrefix(problem, "tactical: tactical:") {
					t.Errorf("%q names the package twice", problem)
				}
			}
		})
	}
}
