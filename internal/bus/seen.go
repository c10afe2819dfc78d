package bus

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Seen returns which of the ids stand on messages that streams stored since then, or on signals that are packed
// in them. It reads no further than until it has seen all.
func (b *Bus) Seen(ctx context.Context, streams []string, since time.Time, ids map[string]struct{}) (map[string]struct{}, error) {
	seen := make(map[string]struct{}, len(ids))
	note := func(id string) {
		if _, ok := ids[id]; ok {
			seen[id] = struct{}{}
		}
	}
	for _, stream := range streams {
		if len(seen) == len(ids) {
			break
		}
		layer, packed := layerOfStream(stream)
		err := b.Walk(ctx, Window{Stream: stream, Since: since, HeadersOnly: !packed}, func(m *Message) bool {
			for _, id := range m.Header[jetstream.MsgIDHeader] {
				note(id)
			}
			if packed {
				notePacked(layer, m, note)
			}
			return len(seen) < len(ids)
		})
		if err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// WithinLayer ends what Seen takes for the id of a signal that a layer handed to its own correlator: the signal's
// own id belongs to the message that brought it into that layer.
const WithinLayer = ".within"

// layerOfStream returns the layer whose packs a stream holds.
func layerOfStream(stream string) (layers.Name, bool) {
	name, ok := strings.CutPrefix(stream, "HAL9_")
	if !ok || len(name) < 2 {
		return 0, false
	}
	layer, err := layers.ParseName(name[:2])
	return layer, err == nil && layer > layers.NameL1
}

// notePacked notes the signals of a pack; what is none holds no signal.
func notePacked(layer layers.Name, m *Message, note func(id string)) {
	_ = pipeline.EachEnvelope(m.Data, func(e *layers.Envelope, from pipeline.Sender, _ pipeline.Position) bool {
		id := pipeline.SignalID(e.Source, e.ID)
		if from.Layer == layer {
			id += WithinLayer
		}
		note(id)
		return true
	})
}
