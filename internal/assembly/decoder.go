package assembly

import (
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Signals is the Decoder of L1: what stands in its stream comes from outside.
type Signals struct{ Decoder *ingest.Decoder }

// Decode implements pipeline.Decoder.
func (s Signals) Decode(d *pipeline.Delivery) (*layers.Envelope, error) {
	item, err := s.Decoder.Message(outside(d))
	if err != nil {
		return nil, layers.Permanent(err)
	}
	e := &layers.Envelope{Signal: item.Signal, Origin: d.Seq, ReceivedAt: d.Stored, TraceParent: item.TraceParent}
	if e.TraceParent == "" {
		e.TraceParent = pipeline.TraceParentOf(e.Source, e.ID)
	}
	return e, nil
}

// MaybeCritical implements pipeline.Prefilter.
func (s Signals) MaybeCritical(d *pipeline.Delivery) bool { return s.Decoder.MaybeCritical(outside(d)) }

// Name implements pipeline.Decoder.
func (s Signals) Name(d *pipeline.Delivery) (source, id string) {
	return pipeline.SourceOf(d.Subject), s.Decoder.FallbackID(outside(d))
}

func outside(d *pipeline.Delivery) ingest.Message {
	return ingest.Message{Subject: d.Subject, Header: d.Header, Data: d.Data, Seq: d.Seq, Stored: d.Stored}
}
