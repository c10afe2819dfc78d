package cli_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/layers"
)

// TestExplainSaysWhatDecided shows rule, neuron, baseline and neighbour.
func TestExplainSaysWhatDecided(t *testing.T) {
	b, _ := provisioned(t)
	situation := sampleSituation()
	situation.Recalled = []layers.Recall{{SituationID: "sit-before", Similarity: 0.93, Outcome: "closed after 3 min; restart helped"}}
	publish(t, b, situationRecord(t, situation))
	publish(t, b, verdictRecord(t, sample(1, func(v *layers.Verdict) {
		v.Layer, v.Disposition, v.SituationID, v.Anomaly = layers.NameL5, layers.DispositionResolved, situation.ID, 0.97
		v.Classes = []layers.Class{{Label: "memory", Strength: 0.64, Flags: true}}
		v.Evidence = &layers.Evidence{
			Flag:    "value 900 is far above its usual 18..22",
			Neurons: []layers.FiredNeuron{{Name: "oom", Label: "memory", Activation: 3.5, Threshold: 2, Features: []string{"oom", "killed"}}},
			Baseline: &layers.JudgedBaseline{
				Series: "value", Detector: "level", Value: 900, Usual: 20, Low: 18, High: 22, Hour: 19.5, Habit: true, Samples: 401, Surprise: 104.3,
				Score: 0.97, Limit: 0.5,
			},
			Tuning: map[string]int64{"L3": 4},
		}
	})))
	publish(t, b, verdictRecord(t, sample(2, func(v *layers.Verdict) {
		v.Layer, v.Disposition, v.Rule = layers.NameL1, layers.DispositionSuppressed, "health-checks"
	})))
	var out bytes.Buffer
	explain := cli.Explain{
		Screen: cli.Screen{Out: &out}, Place: time.UTC, Now: func() time.Time { return noon },
		Rules: map[string]string{"health-checks": `data.path == "/healthz"`},
	}
	for _, id := range []string{"web-1", "web-2"} {
		story, err := tell(t, b, id, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := explain.Print(story); err != nil {
			t.Fatal(err)
		}
		out.WriteString("----\n")
	}
	goldentest.Check(t, "testdata/evidence.golden", out.String())
	for _, part := range []string{"neuron oom", "from oom, killed", "detector   level", "usually 18 to 22 around 20", "sit-before, 93 % alike", `when data.path == "/healthz"`, "version 4 of L3"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is not told", part)
		}
	}
}
