package pipeline

import (
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/2lab-ai/hal9/layers"
)

// outbox collects what a burst leads to, until it is stored: signals for other stages, packed by
// target, results, and what the Observer is told afterwards.
type outbox struct {
	key   StageKey
	from  Sender
	most  int // bound of one message, bytes
	lanes []lane
	full  []Record // packs that can't take more, in order
	list  []Record
	text  []byte // arena of results
	shell []byte // one encoded envelope

	effects []effect
	signals int // decided since the last reset
}

// lane is the way to one partition.
type lane struct {
	subject string
	pack    packer
	ids     []byte // what Hal9-Ids will say, where L1 sends
}

// size is how many bytes the lane's message takes so far. What the identities take in its headers, base64, counts
// too, with those of one more signal: a server bounds headers and data together.
func (l *lane) size() int {
	size := l.pack.size()
	if len(l.ids) > 0 {
		size += base64.RawStdEncoding.EncodedLen(len(l.ids) + idBytes)
	}
	return size
}

func newOutbox(key StageKey, most int) *outbox {
	o := &outbox{key: key, most: most}
	if next, ok := key.Layer.Next(); ok {
		for p := range max(1, key.Partitions) {
			o.lanes = append(o.lanes, lane{subject: SubjectOf(next, p)})
		}
	}
	if key.Layer == layers.NameL1 {
		o.lanes = append(o.lanes, lane{subject: SubjectOf(layers.NameL2, PartitionCritical)})
	}
	o.lanes = append(o.lanes, lane{subject: SubjectOf(key.Layer, 0)}) // to the layer's own correlator
	return o
}

// up returns the lane to a partition of the next layer.
func (o *outbox) up(partition int) *lane { return &o.lanes[partition] }

// critical returns the lane of critical signals, where L1 sends.
func (o *outbox) critical() *lane { return &o.lanes[len(o.lanes)-2] }

// across returns the lane to the layer's own correlator.
func (o *outbox) across() *lane { return &o.lanes[len(o.lanes)-1] }

// send packs a signal. It fails, permanently, where no message can hold it.
func (o *outbox) send(l *lane, p *parcel) error {
	envelope, err := appendParcel(o.shell[:0], p)
	if err != nil {
		return layers.Permanent(err)
	}
	o.shell = keepSmall(envelope)
	if packHead+entryHead+len(envelope) > o.most {
		return layers.Permanent(fmt.Errorf("pipeline: the signal with its findings takes %d bytes, one message holds %d: send less",
			len(envelope), o.most-packHead-entryHead))
	}
	if l.pack.signals > 0 && l.size()+entryHead+len(envelope) > min(o.most, packMost) {
		o.full = append(o.full, o.seal(l))
	}
	l.pack.add(p.at, envelope)
	if o.key.Layer == layers.NameL1 {
		l.ids = append(l.ids, p.identity[:idBytes]...)
	}
	return nil
}

// packMost is how large a pack grows, bytes, unless one signal alone is larger: the reader holds it whole.
const packMost = 256 << 10

// seal closes a lane's pack.
func (o *outbox) seal(l *lane) Record {
	r := Record{Subject: l.subject, Data: l.pack.bytes(o.from)}
	if l.pack.signals > 1 {
		r.Header = map[string]string{HeaderSignals: strconv.Itoa(l.pack.signals)}
	}
	if len(l.ids) > 0 {
		if r.Header == nil {
			r.Header = map[string]string{}
		}
		r.Header[HeaderIDs] = base64.RawStdEncoding.EncodeToString(l.ids)
	}
	l.pack.reset()
	l.ids = l.ids[:0]
	return r
}

// records returns everything to store; packs to one subject stand in order.
func (o *outbox) records() []Record {
	packs := o.full
	for i := range o.lanes {
		if o.lanes[i].pack.signals > 0 {
			packs = append(packs, o.seal(&o.lanes[i]))
		}
	}
	o.full = append(packs, o.list...)
	return o.full
}

// reset empties the outbox and keeps its room.
func (o *outbox) reset() {
	clear(o.list)
	clear(o.full)
	o.list, o.full, o.effects, o.signals = o.list[:0], o.full[:0], o.effects[:0], 0
	o.text = keepSmall(o.text)[:0]
}

// keepSmall drops room that one huge signal made.
func keepSmall(room []byte) []byte {
	if cap(room) > 4*packMost {
		return nil
	}
	return room
}
