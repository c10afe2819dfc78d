package outbound

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/2lab-ai/hal9/pipeline"
)

// What a Sink can be on.
const (
	OnVerdicts   = "verdicts"
	OnSituations = "situations"
	OnPlans      = "plans"
)

// Sink is one place outside HAL9 that results are sent to.
type Sink struct {
	Name    string `yaml:"name"`    // letters, digits, - and _; names its durable consumer
	On      string `yaml:"on"`      // verdicts, situations or plans
	When    string `yaml:"when"`    // expression over the verdict or situation; empty sends all. Not for plans
	Webhook string `yaml:"webhook"` // URL that the JSON is posted to
	Subject string `yaml:"subject"` // NATS subject that the JSON is published to; outside hal9.>
}

// Durable returns the name of the sink's consumer, which `hal9 provision` makes.
func (s Sink) Durable() string { return "sink-" + s.Name }

// Stream returns the stream that the sink consumes.
func (s Sink) Stream() string {
	switch s.On {
	case OnSituations:
		return pipeline.StreamSituations
	case OnPlans:
		return pipeline.StreamPlans
	default:
		return pipeline.StreamVerdicts
	}
}

var sinkName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Validate reports every impossible value.
func (s Sink) Validate() error {
	var problems []error
	if !sinkName.MatchString(s.Name) {
		problems = append(problems, fmt.Errorf("outbound: sink name %q: want 1 to 64 letters, digits, - or _", s.Name))
	}
	switch s.On {
	case OnVerdicts, OnSituations:
	case OnPlans:
		if s.When != "" {
			problems = append(problems, fmt.Errorf("outbound: sink %q: when is for verdicts and situations, not for plans", s.Name))
		}
	default:
		problems = append(problems, fmt.Errorf("outbound: sink %q: on %q: want verdicts, situations or plans", s.Name, s.On))
	}
	return errors.Join(append(problems, s.validateTarget())...)
}

func (s Sink) validateTarget() error {
	switch {
	case (s.Webhook == "") == (s.Subject == ""):
		return fmt.Errorf("outbound: sink %q: want exactly one of webhook and subject", s.Name)
	case s.Webhook != "":
		u, err := url.Parse(s.Webhook)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("outbound: sink %q: webhook %q: want a URL such as https://example.org/hook", s.Name, s.Webhook)
		}
	case strings.ContainsAny(s.Subject, " *>\t\r\n") || strings.Contains("."+s.Subject+".", ".."):
		return fmt.Errorf("outbound: sink %q: subject %q: want one without wildcards, spaces and empty parts", s.Name, s.Subject)
	case s.Subject == pipeline.SubjectRoot || strings.HasPrefix(s.Subject, pipeline.SubjectRoot+".") || strings.HasPrefix(s.Subject, "$"):
		return fmt.Errorf("outbound: sink %q: subject %q: want one outside hal9. and $", s.Name, s.Subject)
	}
	return nil
}

// Config says what is sent where.
type Config struct {
	Sinks []Sink // default none
}

// DefaultConfig returns the defaults: nothing is sent anywhere.
func DefaultConfig() Config { return Config{} }

// Validate reports every impossible value, among them sinks of one name.
func (c Config) Validate() error {
	var problems []error
	seen := map[string]bool{}
	for _, sink := range c.Sinks {
		problems = append(problems, sink.Validate())
		if seen[sink.Name] {
			problems = append(problems, fmt.Errorf("outbound: sink name %q: it is taken by an earlier sink", sink.Name))
		}
		seen[sink.Name] = true
	}
	return errors.Join(problems...)
}
