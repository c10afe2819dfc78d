package layertest

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/layers"
)

// MaxReasonBytes bounds a decision's reason: it stands in a verdict and on a screen.
const MaxReasonBytes = 400

// maxFeatures bounds Findings.Features: every higher layer pays for each of them.
const maxFeatures = 256

func checkDecisions(tb testing.TB, h Harness) error {
	tb.Helper()
	l := h.New(tb)
	var faults []error
	for i, e := range h.Envelopes() {
		seen, d, err := decide(tb, l, e)
		if err == nil {
			err = errors.Join(CheckDecision(d), CheckFindings(&seen.Findings))
		}
		if h.Highest && err == nil && d.Disposition == layers.DispositionEscalated {
			err = errors.New("escalated by the highest layer")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("envelope %d (%s): %w", i, e.ID, err))
		}
	}
	return firstOf(faults)
}

// CheckDecision says what is wrong with a decision that a layer returned without an error.
func CheckDecision(d layers.Decision) error {
	faults := []error{checkReason(d.Reason)}
	switch d.Disposition {
	case layers.DispositionSuppressed, layers.DispositionResolved, layers.DispositionFolded, layers.DispositionEscalated:
	case layers.DispositionDead:
		faults = append(faults, errors.New("disposition dead: a layer that cannot decide returns a permanent error"))
	default:
		faults = append(faults, fmt.Errorf("disposition %d is invalid", uint8(d.Disposition)))
	}
	for i, event := range d.Events {
		if err := checkEvent(event); err != nil {
			faults = append(faults, fmt.Errorf("event %d: %w", i, err))
		}
	}
	return errors.Join(faults...)
}

// checkReason asks for one line of at least two words: what a person can read.
func checkReason(reason string) error {
	switch {
	case len(strings.Fields(reason)) < 2:
		return fmt.Errorf("reason %q: want a sentence that a person understands", reason)
	case len(reason) > MaxReasonBytes:
		return fmt.Errorf("reason %q: %d bytes, want at most %d", reason, len(reason), MaxReasonBytes)
	case !utf8.ValidString(reason):
		return fmt.Errorf("reason %q: want valid UTF-8", reason)
	case strings.ContainsFunc(reason, unicode.IsControl):
		return fmt.Errorf("reason %q: want one line without control characters", reason)
	case strings.TrimSpace(reason) != reason:
		return fmt.Errorf("reason %q: want no space around it", reason)
	case strings.Contains(reason, "%!"):
		return fmt.Errorf("reason %q: a format verb failed", reason)
	}
	return nil
}

// CheckFindings says what is wrong with the findings that a layer left behind.
func CheckFindings(f *layers.Findings) error {
	var faults []error
	if !isShare(f.Anomaly) {
		faults = append(faults, fmt.Errorf("anomaly %v: want 0 to 1", f.Anomaly))
	}
	if len(f.Features) > maxFeatures {
		faults = append(faults, fmt.Errorf("%d features: want at most %d", len(f.Features), maxFeatures))
	}
	for name, value := range f.Features {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			faults = append(faults, fmt.Errorf("feature %q is %v: want a finite number", name, value))
		}
	}
	if f.NewTemplate && f.TemplateID == "" {
		faults = append(faults, errors.New("a new template without an id"))
	}
	return errors.Join(faults...)
}

func isShare(x float64) bool { return x >= 0 && x <= 1 }

// firstOf keeps a failing run readable: the first few faults say enough.
func firstOf(faults []error) error {
	const enough = 5
	if len(faults) > enough {
		faults = append(faults[:enough:enough], fmt.Errorf("and %d more", len(faults)-enough))
	}
	return errors.Join(faults...)
}
