package cli_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/keda/simulate"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// TestScalingExplainNamesWhatCantBeMeasured: why no number holds, since when, and what was needed before.
func TestScalingExplainNamesWhatCantBeMeasured(t *testing.T) {
	b, _ := provisioned(t)
	now := time.Now().UTC()
	last := policy.New("L3", policy.DefaultConfig()).Decide(now.Add(-9*time.Minute), policy.Reading{Waiting: 400_000, Replicas: 7}, 0)
	store := func(d policy.Decision) {
		publish(t, b, pipeline.Record{Subject: pipeline.SubjectOfScaling(layers.NameL3), Data: encode(t, d)})
	}
	explain := func(asJSON bool) string {
		var out bytes.Buffer
		e := cli.ScalingExplain{
			Bus: b, Screen: cli.Screen{Out: &out}, Layer: layers.NameL3, Last: 5, Since: time.Hour, JSON: asJSON,
			Now: func() time.Time { return now }, Place: time.UTC,
		}
		if err := e.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	store(last)
	store(last.Failed(now.Add(-8*time.Minute), "L3", "JetStream did not answer", false))
	store(last.Failed(now.Add(-time.Second), "L3", "consumer l3-02 is missing", true))
	text := explain(false)
	for _, want := range []string{
		"^L3 Operational can't be measured: no number of replicas is known\nwhy +consumer l3-02 is missing\nsince .*, 8m0s ago\nKEDA +gets this error instead of a number",
		`\nBefore that it needed 7 replicas, 7 were live\nwhy .*\n(.*\n)*decided .*, 9m0s ago\n`,
		`\n[0-9:]+ +7m59s +- +- +error +- .* consumer l3-02 is missing\n[0-9:]+ +0s +7 +7 +measuring `,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "no scaler decides") {
		t.Errorf("a scaler says why it does not decide:\n%s", text)
	}
	var report cli.ScalingReport
	if err := json.Unmarshal([]byte(explain(true)), &report); err != nil || len(report.Decisions) != 3 || report.Decisions[0].Error != "consumer l3-02 is missing" {
		t.Errorf("%+v: %v", report, err)
	}
	last.At = now
	store(last)
	if text := explain(false); !strings.HasPrefix(text, "L3 Operational needs 7 replicas, 7 are live\n") {
		t.Errorf("it is measured again:\n%s", text)
	}
	if load, err := simulate.ReadLoad(strings.NewReader(explain(true))); err != nil || len(load) != 9*60 {
		t.Errorf("hal9-keda simulate reads %d seconds of what is printed: %v", len(load), err)
	}
	now = now.Add(2 * time.Minute)
	if text := explain(false); !strings.Contains(text, "!          this was decided 2m0s ago: no scaler decides now") {
		t.Errorf("nobody has decided for 2 minutes:\n%s", text)
	}
}
