package pipeline

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// newRandom returns a source that gives the same numbers in every run.
func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 9)) }

// randomText returns up to 11 characters of one to four bytes.
func randomText(r *rand.Rand) string {
	letters := []rune("aZ0 \"\\<>&\x00\n\u00e9\u2028\u4e16\U0001f525")
	var b strings.Builder
	for range r.IntN(12) {
		b.WriteRune(letters[r.IntN(len(letters))])
	}
	return b.String()
}

// randomTime returns the zero time or one between 1970 and 2110, UTC.
func randomTime(r *rand.Rand) time.Time {
	if r.IntN(4) == 0 {
		return time.Time{}
	}
	return time.Unix(r.Int64N(1<<32), r.Int64N(1e9)).UTC()
}

// randomEnvelope returns an envelope of which any part may be missing.
func randomEnvelope(r *rand.Rand) *layers.Envelope {
	e := &layers.Envelope{
		Signal: layers.Signal{
			ID: randomText(r), Source: randomText(r), Type: randomText(r), Key: randomText(r), Time: randomTime(r),
			Severity: layers.Severity(r.IntN(6)), Text: randomText(r),
		},
		Origin: r.Uint64() >> r.IntN(64), ReceivedAt: randomTime(r), TraceParent: randomText(r),
		Findings: layers.Findings{
			TemplateID: randomText(r), Template: randomText(r), NewTemplate: r.IntN(2) == 0, Anomaly: r.Float64(), Flagged: r.IntN(2) == 0,
			FlagReason: randomText(r), PlanID: randomText(r),
		},
	}
	if r.IntN(2) == 0 {
		e.HasValue, e.Value = true, r.NormFloat64()
	}
	if r.IntN(2) == 0 {
		e.Data = json.RawMessage(fmt.Sprintf(`{"n":%d}`, r.Int()))
	}
	for range r.IntN(5) {
		if e.Labels == nil {
			e.Labels, e.Findings.Features = map[string]string{}, map[string]float64{}
		}
		e.Labels[randomText(r)] = randomText(r)
		e.Findings.Features[randomText(r)] = r.NormFloat64()
		e.Findings.Classes = append(e.Findings.Classes, layers.Class{Label: randomText(r), Strength: float64(len(e.Findings.Classes)) / 8, Flags: len(e.Findings.Classes)%2 == 1})
		e.Findings.Mentions = append(e.Findings.Mentions, layers.Mention{Kind: randomText(r), Name: randomText(r)})
		e.Findings.Marks = append(e.Findings.Marks, layers.Mark{Of: randomText(r), Good: r.IntN(2) == 0, Value: r.NormFloat64()})
		if r.IntN(2) == 0 {
			e.Findings.Marks[0].Labels = append(e.Findings.Marks[0].Labels, randomText(r))
		}
		e.Findings.Parameters = append(e.Findings.Parameters, randomText(r))
	}
	if r.IntN(3) == 0 {
		e.Findings.Evidence = &layers.Evidence{
			Neurons:  []layers.FiredNeuron{{Name: randomText(r), Label: "a", Activation: 2, Threshold: 1, Features: []string{randomText(r)}}},
			Baseline: &layers.JudgedBaseline{Series: "value", Detector: "jump", Value: r.Float64(), Score: 0.5},
			Tuning:   map[string]int64{"L3": 7},
		}
	}
	for range r.IntN(4) {
		e.Hops = append(e.Hops, layers.Hop{Layer: layers.Name(1 + r.IntN(5)), WaitUS: r.Int64() - r.Int64(), ProcessUS: r.Int64N(1e6)})
	}
	if r.IntN(3) == 0 {
		e.Findings.Situation = &layers.Situation{
			ID: randomText(r), Event: layers.SituationOpened, Revision: r.IntN(9), Title: randomText(r), OpenedAt: randomTime(r),
			MemberIDs: []string{randomText(r)},
		}
	}
	return e
}

// encode returns the bytes of an envelope.
func encode(tb testing.TB, e *layers.Envelope) []byte {
	tb.Helper()
	data, err := AppendEnvelope(nil, e)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
