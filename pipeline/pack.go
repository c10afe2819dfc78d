package pipeline

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/2lab-ai/hal9/layers"
)

// packVersion is the first byte of a pack.
const packVersion = 1

// errPack says that the bytes are no pack.
var errPack = errors.New("pipeline: the message is no pack of signals")

// Sender says which stage wrote a pack, and from which stream: Born tells a stream from one of
// the same name that was made anew and counts from 1 again.
type Sender struct {
	Layer     layers.Name
	Partition int
	Born      int64 // Unix nanoseconds
}

// Pack is what travels between layers in one stored message: envelopes of one sender, each with its
// place in the sender's stream. Places rise within a pack and from pack to pack, so that a
// reader leaves out what it had before. One signal alone is a pack, too.
type Pack struct {
	Sender  Sender
	Signals int
	reader  reader
	at      Position
}

// OpenPack reads the head of a pack. Other bytes give an error, which is permanent.
func OpenPack(data []byte) (Pack, error) {
	if len(data) < 5 || data[0] != packVersion {
		return Pack{}, layers.Permanent(errPack)
	}
	p := Pack{reader: reader{rest: data[1:]}}
	p.Sender.Layer = layers.Name(p.reader.byte())
	p.Sender.Partition = int(min(p.reader.uvarint(), MaxPartitions)) + PartitionCritical
	p.Sender.Born = p.reader.varint()
	p.Signals = p.reader.count(3)
	if p.reader.err != nil {
		return Pack{}, layers.Permanent(fmt.Errorf("pipeline: head of a pack: %w", p.reader.err))
	}
	return p, nil
}

// Next returns the next envelope, encoded, and its place in the sender's stream. ok is false after the
// last one, or where the bytes end too early (see Err).
func (p *Pack) Next() (envelope []byte, at Position, ok bool) {
	if p.Signals == 0 || p.reader.err != nil {
		return nil, Position{}, false
	}
	p.Signals--
	if ahead := p.reader.uvarint(); ahead > 0 {
		p.at = Position{Seq: p.at.Seq + ahead}
	}
	p.at.Index = uint32(p.reader.uvarint())
	envelope = p.reader.take(p.reader.count(1))
	return envelope, p.at, p.reader.err == nil
}

// Err says what was wrong with a pack that Next has gone through; its errors are permanent.
func (p *Pack) Err() error {
	switch {
	case p.reader.err != nil:
		return layers.Permanent(fmt.Errorf("pipeline: pack: %w", p.reader.err))
	case p.Signals == 0 && len(p.reader.rest) > 0:
		return layers.Permanent(fmt.Errorf("pipeline: pack has %d bytes too many", len(p.reader.rest)))
	default:
		return nil
	}
}

// EachEnvelope visits the envelopes of a pack, one after the other, until visit returns false. Its errors are
// permanent.
func EachEnvelope(data []byte, visit func(e *layers.Envelope, from Sender, at Position) bool) error {
	pack, err := OpenPack(data)
	if err != nil {
		return err
	}
	for {
		encoded, at, ok := pack.Next()
		if !ok {
			return pack.Err()
		}
		e, err := DecodeEnvelope(encoded)
		if err != nil {
			return err
		}
		if !visit(e, pack.Sender, at) {
			return nil
		}
	}
}

// packer fills one pack.
type packer struct {
	entries []byte
	last    Position
	signals int
}

// add appends an envelope.
func (p *packer) add(at Position, envelope []byte) {
	p.entries = binary.AppendUvarint(p.entries, at.Seq-p.last.Seq)
	p.entries = binary.AppendUvarint(p.entries, uint64(at.Index))
	p.entries = binary.AppendUvarint(p.entries, uint64(len(envelope)))
	p.entries = append(p.entries, envelope...)
	p.last = at
	p.signals++
}

// size is how many bytes the pack takes so far.
func (p *packer) size() int { return packHead + len(p.entries) }

// packHead bounds what stands in front of the entries, bytes.
const packHead = 1 + 1 + 2*binary.MaxVarintLen64 + binary.MaxVarintLen32

// entryHead bounds what stands in front of an envelope, bytes.
const entryHead = 3 * binary.MaxVarintLen64

// bytes returns the pack.
func (p *packer) bytes(from Sender) []byte {
	data := make([]byte, 0, p.size())
	data = append(data, packVersion, byte(from.Layer))
	data = binary.AppendUvarint(data, uint64(from.Partition-PartitionCritical))
	data = binary.AppendVarint(data, from.Born)
	data = binary.AppendUvarint(data, uint64(p.signals))
	return append(data, p.entries...)
}

func (p *packer) reset() { *p = packer{entries: p.entries[:0]} }

// NewPack returns a pack of envelopes that an operator puts back into a layer: its sender is no stage, so
// that no reader takes them for signals that it had before.
func NewPack(envelopes ...*layers.Envelope) ([]byte, error) {
	return PackFrom(Sender{}, envelopes...)
}

// PackFrom returns a pack as a stage sends it for the first message of its stream.
func PackFrom(from Sender, envelopes ...*layers.Envelope) ([]byte, error) {
	var p packer
	for i, e := range envelopes {
		envelope, err := AppendEnvelope(nil, e)
		if err != nil {
			return nil, err
		}
		p.add(Position{Seq: 1, Index: uint32(i)}, envelope)
	}
	return p.bytes(from), nil
}
