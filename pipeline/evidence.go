package pipeline

import (
	"encoding/json"
	"fmt"

	"github.com/2lab-ai/hal9/layers"
)

// flagEvidence in an encoded envelope says that evidence comes last.
const flagEvidence = 1 << 7

// appendEvidence appends the JSON form. Few signals have evidence, so that its reflection costs little.
func appendEvidence(buf []byte, e *layers.Evidence) ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("pipeline: evidence: %w", err)
	}
	return append(buf, data...), nil
}

// evidence reads what appendEvidence wrote with its length in front.
func (r *reader) evidence(f *layers.Findings) {
	f.Evidence = &layers.Evidence{}
	if err := json.Unmarshal(r.take(r.count(1)), f.Evidence); err != nil && r.err == nil {
		r.err = fmt.Errorf("pipeline: evidence in envelope: %w", err)
	}
}
