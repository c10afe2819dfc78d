package dead

import (
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// What travels between layers is encoded and decoded here and nowhere else in this package.

// decodeEnvelope reads what a letter of L2 to L5 holds.
func decodeEnvelope(data []byte) (*layers.Envelope, error) {
	return pipeline.Envelopes{}.Decode(&pipeline.Delivery{Data: data})
}

// encodeEnvelope writes what a stage of L2 to L5 reads.
func encodeEnvelope(e *layers.Envelope) ([]byte, error) { return pipeline.NewPack(e) }

// subjectOf returns where the stage of a layer that an envelope belongs to reads, as the stage below
// chooses it: L3 correlates what is flagged in partition 0, and above it what belongs to a
// situation stays together.
func subjectOf(target layers.Name, e *layers.Envelope, partitions int) string {
	if target == layers.NameL3 && e.Findings.Flagged {
		return pipeline.SubjectOf(target, 0)
	}
	return pipeline.SubjectOf(target, pipeline.PartitionFor(target, e, partitions))
}

// Envelope returns what a letter of L2 to L5 is about; ok is false for others, and for what is none.
func (l *Letter) Envelope() (e *layers.Envelope, ok bool) {
	if name, isLayer := l.layer(); !isLayer || name == layers.NameL1 || l.Truncated > 0 {
		return nil, false
	}
	e, err := decodeEnvelope(l.Data)
	return e, err == nil
}

// comeDown forgets what the target and the layers above it have found out: they will be asked again.
// Back at the layer where it died an envelope stays what it was.
func comeDown(e *layers.Envelope, from, target layers.Name) {
	if target >= from {
		return
	}
	var hops []layers.Hop
	for _, hop := range e.Hops {
		if hop.Layer < target {
			hops = append(hops, hop)
		}
	}
	e.Hops = hops
	f := &e.Findings
	if target <= layers.NameL4 {
		f.PlanID = ""
	}
	if target <= layers.NameL3 {
		f.Anomaly, f.Flagged, f.FlagReason, f.Situation = 0, false, "", nil
	}
	if target <= layers.NameL2 {
		*f = layers.Findings{}
	}
}
