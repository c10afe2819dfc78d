package layers

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// NoteTuning is the kind of a Note whose data are Tunings.
const NoteTuning NoteKind = "tuning"

// Bounds of a tuning.
const (
	TuningMaxSensitivities = 1_000
	TuningMaxNeurons       = 32
	TuningMaxWeights       = 32   // of a learnt neuron
	TuningMaxWeight        = 4.0  // on either side of 0
	TuningLeastStep        = -4   // 0.41 of the surprise is enough
	TuningMostStep         = 8    // six times the surprise is needed
	TuningStep             = 1.25 // by what a step multiplies the surprise that is needed
	tuningMaxPattern       = 256  // bytes
)

// Tuning adjusts one layer. A version never changes: whoever wants another one makes the next. The zero value is the layer as
// it is configured.
type Tuning struct {
	Layer         Name          `json:"layer"`
	Version       int64         `json:"version"` // 0: as configured
	At            time.Time     `json:"at,omitzero"`
	Why           []string      `json:"why,omitempty"`           // for people, a line for each change against the version before
	Sensitivities []Sensitivity `json:"sensitivities,omitempty"` // L3
	Neurons       []TunedNeuron `json:"neurons,omitempty"`       // L2
}

// Sensitivity says how surprising a signal of a source and key must be for L3 to flag it: TuningStep to the power of Steps
// times as much as otherwise.
type Sensitivity struct {
	Source string `json:"source"` // the whole text, or its beginning with a * behind it
	Key    string `json:"key"`    // likewise
	Steps  int    `json:"steps"`  // above 0 for what is noise, below 0 for what was missed
}

// TunedNeuron is a neuron of L2 that was learnt from what people said about signals.
type TunedNeuron struct {
	Name      string             `json:"name"`
	Label     string             `json:"label"`
	Weights   map[string]float64 `json:"weights"`
	Threshold float64            `json:"threshold"`
}

// Tunings are what a layer is told: the tuning that holds from now on, and one that is only shown beside it.
type Tunings struct {
	Live     Tuning  `json:"live"`
	Shadow   *Tuning `json:"shadow,omitempty"`
	Revision uint64  `json:"revision,omitempty"` // grows with each change of either
}

// IsOlder reports whether a layer that was told other must not listen: several processes tell it, and one may be slow. Of two with one
// revision the one without a shadow is the newer: that the shadow was taken away is no revision of its own.
func (t *Tunings) IsOlder(other *Tunings) bool {
	return t.Revision < other.Revision || t.Revision == other.Revision && t.Shadow != nil && other.Shadow == nil && t.Revision > 0
}

// ReadTunings reads a note for a layer; ok is false where it is about something else.
func ReadTunings(n *Note, layer Name) (t Tunings, ok bool, err error) {
	if n.Kind != NoteTuning {
		return t, false, nil
	}
	if err := json.Unmarshal(n.Data, &t); err != nil {
		return t, true, fmt.Errorf("layers: tuning: %w", err)
	}
	for _, one := range []*Tuning{&t.Live, t.Shadow} {
		if one == nil {
			continue
		}
		if one.Layer != layer {
			return t, true, fmt.Errorf("layers: a tuning of %s at %s", one.Layer, layer)
		}
		if err := one.Validate(); err != nil {
			return t, true, err
		}
	}
	return t, true, nil
}

// Validate reports everything that is beyond the bounds, joined.
func (t *Tuning) Validate() error {
	var problems []error
	fail := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("layers: tuning: "+format, args...))
	}
	if t.Layer != NameL2 && len(t.Neurons) > 0 || t.Layer != NameL3 && len(t.Sensitivities) > 0 {
		fail("neurons are for L2, sensitivities for L3, not for %s", t.Layer)
	}
	if t.Version < 0 {
		fail("version %d: want 0 or more", t.Version)
	}
	if len(t.Sensitivities) > TuningMaxSensitivities || len(t.Neurons) > TuningMaxNeurons {
		fail("%d sensitivities and %d neurons: want at most %d and %d",
			len(t.Sensitivities), len(t.Neurons), TuningMaxSensitivities, TuningMaxNeurons)
	}
	for _, s := range t.Sensitivities {
		if s.Steps < TuningLeastStep || s.Steps > TuningMostStep {
			fail("%d steps for %q: want %d to %d", s.Steps, s.Key, TuningLeastStep, TuningMostStep)
		}
		if !isPattern(s.Source) || !isPattern(s.Key) {
			fail("source %q or key %q is no pattern of 1 to %d bytes", s.Source, s.Key, tuningMaxPattern)
		}
	}
	for i := range t.Neurons {
		if err := t.Neurons[i].validate(); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func isPattern(text string) bool {
	return text != "" && len(text) <= tuningMaxPattern && utf8.ValidString(text)
}

func (n *TunedNeuron) validate() error {
	if n.Name == "" || n.Label == "" || len(n.Name) > 64 || len(n.Label) > 64 {
		return fmt.Errorf("layers: tuning: neuron %q with label %q: want 1 to 64 bytes each", n.Name, n.Label)
	}
	if len(n.Weights) == 0 || len(n.Weights) > TuningMaxWeights || !(n.Threshold > 0 && n.Threshold <= TuningMaxWeights*TuningMaxWeight) {
		return fmt.Errorf("layers: tuning: neuron %q: want 1 to %d weights and a threshold above 0", n.Name, TuningMaxWeights)
	}
	for feature, weight := range n.Weights {
		if math.IsNaN(weight) || math.Abs(weight) > TuningMaxWeight {
			return fmt.Errorf("layers: tuning: neuron %q: weight %v of %q: want -%v to %v", n.Name, weight, feature, TuningMaxWeight, TuningMaxWeight)
		}
	}
	return nil
}

// Factor returns by what the surprise of a signal is divided before it is compared with the threshold: the first
// sensitivity that fits counts.
func (t *Tuning) Factor(source, key string) (factor float64, steps int) {
	for i := range t.Sensitivities {
		s := &t.Sensitivities[i]
		if fits(s.Source, source) && fits(s.Key, key) {
			return math.Pow(TuningStep, float64(s.Steps)), s.Steps
		}
	}
	return 1, 0
}

func fits(pattern, text string) bool {
	if start, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(text, start)
	}
	return pattern == text
}
