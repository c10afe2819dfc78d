package reflexive

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// MaxAcks bounds how many acknowledgements there are.
const MaxAcks = 5000

// ackLife is for how long an acknowledgement outlives the last sight of its alert, where nobody says that it is over.
const ackLife = 7 * 24 * time.Hour

// Ack is a person's word that they know of an alert: it is suppressed as long as it fires and does not get worse.
// It ends when the alert does.
type Ack struct {
	ID       string          `json:"id"` // of the condition
	Source   string          `json:"source"`
	Key      string          `json:"key"`
	Name     string          `json:"name"`
	Severity layers.Severity `json:"severity"` // at which it was acknowledged; higher ones break through
	Author   string          `json:"author"`
	Reason   string          `json:"reason"`
	At       time.Time       `json:"at"`
}

// Validate returns all problems, joined.
func (a *Ack) Validate() error {
	var problems []error
	if _, ok := parseDigest(a.ID); !ok {
		problems = append(problems, fmt.Errorf("id %s: want 32 hex digits", clip(a.ID)))
	}
	if err := validateWords(a.Author, a.Reason); err != nil {
		problems = append(problems, err)
	}
	if a.At.IsZero() {
		problems = append(problems, errors.New("at is missing"))
	}
	if len(a.Source) > maxRemembered || len(a.Key) > maxRemembered || len(a.Name) > maxRemembered || a.Severity > layers.SeverityCritical {
		problems = append(problems, errors.New("source, key, name or severity are beyond their bounds"))
	}
	return errors.Join(problems...)
}

// ended reports whether the condition ended since the acknowledgement.
func (a *Ack) ended(c *condition) bool {
	return c != nil && c.Seen > 0 && !c.Firing && c.Last >= a.At.UnixMicro()
}

// hearAck takes in what the bucket says; nil means that it was taken back or has ended.
func (b *Board) hearAck(id string, data []byte) error {
	key, ok := parseDigest(id)
	if !ok {
		return fmt.Errorf("reflexive: acknowledgement %s: its name is no condition", clip(id))
	}
	if data == nil {
		delete(b.acks, key)
		return nil
	}
	var a Ack
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("reflexive: acknowledgement %s: %w", clip(id), err)
	}
	if err := a.Validate(); err != nil || a.ID != id {
		return fmt.Errorf("reflexive: acknowledgement %s: %w", clip(id), errors.Join(err, mismatch(a.ID, id)))
	}
	if _, known := b.acks[key]; !known && len(b.acks) >= MaxAcks {
		return fmt.Errorf("reflexive: acknowledgement %s: there are %d already", clip(id), MaxAcks)
	}
	b.acks[key] = a
	if a.ended(b.conditions.get(key)) {
		b.unack(key)
	}
	return nil
}

// endedAck is an acknowledgement whose alert is over; another one for the next time that it fires may have been given since.
type endedAck struct {
	key   digest
	given time.Time
}

// unack ends an acknowledgement everywhere.
func (b *Board) unack(key digest) {
	b.ended = append(b.ended, endedAck{key, b.acks[key].At})
	delete(b.acks, key)
}

// acknowledged suppresses an alert that somebody knows of.
func (l *Layer) acknowledged(ack *Ack, e *layers.Envelope) (d layers.Decision, ok bool) {
	if ack == nil || e.Severity > ack.Severity {
		return d, false
	}
	return layers.Decision{
		Disposition: layers.DispositionSuppressed, Rule: ruleAck + ack.ID[:12],
		Reason: fmt.Sprintf("acknowledged by %s at %s (%s): the %s still fires",
			clip(ack.Author), ack.At.UTC().Format("2006-01-02T15:04:05Z"), cut(ack.Reason, 100), describe(e)),
	}, true
}
