package reflexive

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

// digest stands for a content. It is half of a SHA-256 sum: senders choose what is hashed, so
// the hash must be one for which nobody can make two contents collide.
type digest [16]byte

// hasher makes digests. Each part is preceded by its length, so that no two contents are
// written as the same bytes. It keeps its buffers and is not safe for concurrent use.
type hasher struct {
	buffer []byte
	names  []string
}

func (h *hasher) identity(source, id string) digest {
	h.buffer = h.buffer[:0]
	h.put(source)
	h.put(id)
	return h.sum()
}

// condition leaves out what may change while an alert is about the same thing: its status,
// severity, text and value.
func (h *hasher) condition(s *layers.Signal) digest {
	h.buffer = h.buffer[:0]
	h.put(s.Source)
	h.put(s.Key)
	h.labels(s.Labels, labelStatus)
	return h.sum()
}

func (h *hasher) text(text string) digest {
	h.buffer = h.buffer[:0]
	h.put(text)
	return h.sum()
}

// content covers all that a rule can see: everything but id and time.
func (h *hasher) content(s *layers.Signal) digest {
	h.buffer = append(h.buffer[:0], byte(s.Severity), 0)
	if s.HasValue {
		h.buffer[1] = 1
		h.buffer = binary.LittleEndian.AppendUint64(h.buffer, math.Float64bits(s.Value))
	}
	h.put(s.Source)
	h.put(s.Type)
	h.put(s.Key)
	h.put(s.Text)
	h.labels(s.Labels, "")
	h.buffer = binary.LittleEndian.AppendUint64(h.buffer, uint64(len(s.Data)))
	h.buffer = append(h.buffer, s.Data...)
	return h.sum()
}

// labels writes all labels but one, in the order of their names.
func (h *hasher) labels(labels map[string]string, but string) {
	h.names = h.names[:0]
	for name := range labels {
		if name != but || but == "" {
			h.names = append(h.names, name)
		}
	}
	slices.Sort(h.names)
	h.buffer = binary.LittleEndian.AppendUint64(h.buffer, uint64(len(h.names)))
	for _, name := range h.names {
		h.put(name)
		h.put(labels[name])
	}
	clear(h.names) // They must not keep the signal alive.
}

func (h *hasher) put(text string) {
	h.buffer = binary.LittleEndian.AppendUint64(h.buffer, uint64(len(text)))
	h.buffer = append(h.buffer, text...)
}

// maxBuffer is what is kept between signals: one huge signal must not cost memory for ever.
const maxBuffer = 64 << 10

func (h *hasher) sum() digest {
	sum := sha256.Sum256(h.buffer)
	if cap(h.buffer) > maxBuffer {
		h.buffer = nil
	}
	return digest(sum[:16])
}
