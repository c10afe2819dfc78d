package outbound_test

import (
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/outbound"
)

func TestConfigSaysWhatIsWrong(t *testing.T) {
	good := outbound.Sink{Name: "a", On: outbound.OnPlans, Webhook: "http://127.0.0.1/x"}
	if err := (outbound.Config{Sinks: []outbound.Sink{good, {Name: "b", On: outbound.OnVerdicts, When: "true", Subject: "x.y"}}}).Validate(); err != nil {
		t.Errorf("a good configuration: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*outbound.Sink)
		want   string
	}{
		"no name":          {func(s *outbound.Sink) { s.Name = "" }, "letters, digits"},
		"bad name":         {func(s *outbound.Sink) { s.Name = "a.b" }, "letters, digits"},
		"no on":            {func(s *outbound.Sink) { s.On = "" }, "verdicts, situations or plans"},
		"when on plans":    {func(s *outbound.Sink) { s.When = "true" }, "not for plans"},
		"two targets":      {func(s *outbound.Sink) { s.Subject = "x" }, "exactly one"},
		"no target":        {func(s *outbound.Sink) { s.Webhook = "" }, "exactly one"},
		"no URL":           {func(s *outbound.Sink) { s.Webhook = "example.org" }, "want a URL"},
		"own subject":      {func(s *outbound.Sink) { s.Webhook, s.Subject = "", "hal9.signals.x" }, "outside hal9."},
		"wildcard subject": {func(s *outbound.Sink) { s.Webhook, s.Subject = "", "x.*" }, "without wildcards"},
		"empty token":      {func(s *outbound.Sink) { s.Webhook, s.Subject = "", "x..y" }, "without wildcards"},
	} {
		sink := good
		c.change(&sink)
		err := outbound.Config{Sinks: []outbound.Sink{sink}}.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
	if err := (outbound.Config{Sinks: []outbound.Sink{good, good}}).Validate(); err == nil || !strings.Contains(err.Error(), "taken") {
		t.Errorf("one name twice: %v", err)
	}
}
