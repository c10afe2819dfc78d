package reflexive

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Bounds of silences.
const (
	MaxSilences    = 1000
	maxSilence     = 366 * 24 * time.Hour
	maxAuthorBytes = 100
	maxWhenBytes   = 4096
	maxIDBytes     = 40
)

// Silence is a person's word that nobody needs to see certain signals until a moment. More severe signals than it
// was meant for break through.
type Silence struct {
	ID          string          `json:"id"`
	When        string          `json:"when"` // an expression over the signal
	Reason      string          `json:"reason"`
	Author      string          `json:"author"`
	CreatedAt   time.Time       `json:"created_at"`
	Until       time.Time       `json:"until"`        // by when signals were received
	MaxSeverity layers.Severity `json:"max_severity"` // the worst that it holds for
}

// DefaultMaxSeverity is the worst that a silence holds for where nothing is said: critical signals break through.
const DefaultMaxSeverity = layers.SeverityError

// Validate returns all problems, joined. Whether the expression compiles is not looked at.
func (s *Silence) Validate() error {
	var problems []error
	if s.ID == "" || len(s.ID) > maxIDBytes || strings.Trim(s.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		problems = append(problems, fmt.Errorf("id %q: want 1 to %d small letters, digits and -", s.ID, maxIDBytes))
	}
	if strings.TrimSpace(s.When) == "" || len(s.When) > maxWhenBytes {
		problems = append(problems, fmt.Errorf("when has %d bytes: want an expression of 1 to %d", len(s.When), maxWhenBytes))
	}
	if err := validateWords(s.Author, s.Reason); err != nil {
		problems = append(problems, err)
	}
	if s.CreatedAt.IsZero() || !s.Until.After(s.CreatedAt) || s.Until.Sub(s.CreatedAt) > maxSilence {
		problems = append(problems, fmt.Errorf("until %s: want a time after now, at most %d days from now",
			s.Until.UTC().Format(time.RFC3339), int(maxSilence.Hours()/24)))
	}
	if s.MaxSeverity > layers.SeverityCritical || s.MaxSeverity == layers.SeverityUnset {
		problems = append(problems, fmt.Errorf("max_severity %d: want debug, info, warning, error or critical", s.MaxSeverity))
	}
	return errors.Join(problems...)
}

// validateWords checks who says something, and why.
func validateWords(author, reason string) error {
	var problems []error
	if strings.TrimSpace(author) == "" || len(author) > maxAuthorBytes || !isLine(author) {
		problems = append(problems, fmt.Errorf("author %s: want one line of 1 to %d bytes", clip(author), maxAuthorBytes))
	}
	if strings.TrimSpace(reason) == "" || len(reason) > maxReasonBytes || !isLine(reason) {
		problems = append(problems, fmt.Errorf("reason %s: want one line of 1 to %d bytes", clip(reason), maxReasonBytes))
	}
	return errors.Join(problems...)
}

// silence is a Silence ready for use.
type silence struct {
	Silence
	holds layers.Condition[layers.Signal]
	scope layers.Scope
}

// hearSilence takes in what the bucket says; nil means that the silence was lifted.
func (b *Board) hearSilence(id string, data []byte) error {
	if data == nil {
		if _, ok := b.silences[id]; ok {
			delete(b.silences, id)
			b.repolicy()
		}
		return nil
	}
	var s Silence
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("reflexive: silence %s: %w", clip(id), err)
	}
	if err := s.Validate(); err != nil || s.ID != id {
		return fmt.Errorf("reflexive: silence %s: %w", clip(id), errors.Join(err, mismatch(s.ID, id)))
	}
	if known, ok := b.silences[id]; ok && known.Silence == s {
		return nil
	}
	if len(b.silences) >= MaxSilences {
		return fmt.Errorf("reflexive: silence %s: there are %d already", clip(id), MaxSilences)
	}
	holds, scope, err := b.compiler.condition(s.When)
	if err != nil {
		return fmt.Errorf("reflexive: silence %s: when: %w", clip(id), err)
	}
	b.silences[id] = silence{Silence: s, holds: holds, scope: scope}
	b.repolicy()
	return nil
}

func mismatch(is, want string) error {
	if is == want {
		return nil
	}
	return fmt.Errorf("it says that it is %s", clip(is))
}

// repolicy puts the silences of now into force.
func (b *Board) repolicy() {
	list := make([]silence, 0, len(b.silences))
	for _, s := range b.silences {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b silence) int {
		if c := b.Until.Compare(a.Until); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	b.policy.Store(b.policy.Load().withSilences(list))
}

// silenced says which silence holds for e.
func (l *Layer) silenced(p *policy, a answer, e *layers.Envelope) (d layers.Decision, ok bool) {
	if a.silence < 0 || e.ReceivedAt.After(p.silences[a.silence].Until) {
		return d, false // Any other that holds ended before this one.
	}
	s := &p.silences[a.silence]
	return layers.Decision{
		Disposition: layers.DispositionSuppressed, Rule: ruleSilence + s.ID,
		Reason: "silenced by " + clip(s.Author) + " until " + s.Until.UTC().Format("2006-01-02T15:04:05Z") + ": " + cut(s.Reason, 200),
	}, true
}
