package dead

import (
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// Letter is a dead letter. What its headers do not say, since anybody may publish to hal9.dead, is
// empty.
type Letter struct {
	Seq       uint64    // in HAL9_DEAD
	Stored    time.Time // when it was written
	Layer     string    // what stands behind hal9.dead.: L1 to L5, or sink
	Reason    string
	Attempts  int
	Source    string    // of the signal
	SignalID  string    // under which it got its verdict dead
	Received  time.Time // when the signal was stored in HAL9_L1
	Stream    string    // where the original was
	StreamSeq uint64
	Truncated int    // bytes of the original where only its beginning is kept
	RedriveOf string // the id under which it died before, where this was not its first attempt
	Redriven  bool   // it has been put back

	Size   int                 // of Data, bytes
	Header map[string][]string // as stored: those of the original and HAL9's
	Data   []byte              // the original; nil where only headers were read
}

// sizeHeader is what JetStream adds where a message is read without its data.
const sizeHeader = "Nats-Msg-Size"

// NewLetter reads a message of HAL9_DEAD.
func NewLetter(m *bus.Message) Letter {
	value := func(name string) string {
		if values := m.Header[name]; len(values) > 0 {
			return values[0]
		}
		return ""
	}
	number := func(name string) uint64 {
		n, _ := strconv.ParseUint(value(name), 10, 63) // What is no number says nothing.
		return n
	}
	l := Letter{
		Seq: m.Seq, Stored: m.Stored, Layer: strings.TrimPrefix(m.Subject, pipeline.SubjectDead+"."),
		Reason: value(pipeline.HeaderError), Attempts: int(number(pipeline.HeaderAttempts)),
		Source: value(pipeline.HeaderSignalSource), SignalID: value(pipeline.HeaderSignalID),
		Stream: value(pipeline.HeaderStream), StreamSeq: number(pipeline.HeaderSeq),
		Truncated: int(number(pipeline.HeaderTruncated)), RedriveOf: value(pipeline.HeaderRedriveOf),
		Size: len(m.Data), Header: m.Header, Data: m.Data,
	}
	if l.Received, _ = time.Parse(time.RFC3339Nano, value(pipeline.HeaderSignalReceived)); l.Received.IsZero() {
		l.Received = m.Stored
	}
	if value(sizeHeader) != "" && len(m.Data) == 0 {
		l.Size = int(number(sizeHeader))
	}
	return l
}

// layer returns the layer at which the signal died; ok is false where it was none.
func (l *Letter) layer() (name layers.Name, ok bool) {
	name, err := layers.ParseName(l.Layer)
	return name, err == nil
}

// Original returns the headers of the original message.
func (l *Letter) Original() map[string][]string {
	header := map[string][]string{}
	for name, values := range l.Header {
		lower := strings.ToLower(name)
		if len(values) > 0 && !strings.HasPrefix(lower, "hal9-") && !strings.HasPrefix(lower, "nats-") {
			header[name] = values
		}
	}
	return header
}
