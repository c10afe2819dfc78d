package tactical

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// Bounds of what a playbook does by itself.
const (
	maxActions   = 20
	maxNoteBytes = 2000
	maxFields    = 50
)

// Action is what a playbook has HAL9 do by itself once a quorum agreed.
type Action struct {
	Webhook string            `yaml:"webhook"` // URL that the JSON of plan and situation is posted to
	Publish string            `yaml:"publish"` // NATS subject that it is published on; outside hal9. and $
	Note    string            `yaml:"note"`    // text to record with the plan
	Fields  map[string]string `yaml:"fields"`  // added to that JSON unchanged; not for notes
}

// validate reports what is wrong with the action.
func (a Action) validate() error {
	if set := count(a.Webhook != "", a.Publish != "", a.Note != ""); set != 1 {
		return fmt.Errorf("it has %d of webhook, publish and note: want exactly one", set)
	}
	if a.Note != "" && len(a.Fields) > 0 {
		return errors.New("fields go along with a webhook or publish, not with a note")
	}
	if len(a.Fields) > maxFields {
		return fmt.Errorf("it has %d fields: want at most %d", len(a.Fields), maxFields)
	}
	switch {
	case a.Webhook != "":
		u, err := url.Parse(a.Webhook)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("webhook is %q: want a URL such as https://example.org/hook", a.Webhook)
		}
	case a.Publish != "":
		return validateSubject(a.Publish)
	case strings.TrimSpace(a.Note) == "" || len(a.Note) > maxNoteBytes:
		return fmt.Errorf("note has %d bytes: want a text of at most %d", len(a.Note), maxNoteBytes)
	}
	return nil
}

func validateSubject(subject string) error {
	switch first, _, _ := strings.Cut(subject, "."); {
	case strings.ContainsAny(subject, " *>\t\r\n") || strings.Contains("."+subject+".", ".."):
		return fmt.Errorf("publish is %q: want a subject without wildcards, spaces and empty parts", subject)
	case strings.EqualFold(first, "hal9") || strings.HasPrefix(subject, "$"):
		return fmt.Errorf("publish is %q: want a subject outside hal9. and $", subject)
	}
	return nil
}

func count(conditions ...bool) (n int) {
	for _, holds := range conditions {
		if holds {
			n++
		}
	}
	return n
}

// planned returns the action as it stands in a plan.
func (a Action) planned(playbook string) layers.Action {
	return layers.Action{Playbook: playbook, Webhook: a.Webhook, Publish: a.Publish, Note: a.Note, Fields: maps.Clone(a.Fields)}
}

// sameEffect reports whether two actions do the same thing, whichever playbook they come from.
func sameEffect(a, b *layers.Action) bool {
	return a.Webhook == b.Webhook && a.Publish == b.Publish && a.Note == b.Note && maps.Equal(a.Fields, b.Fields)
}
