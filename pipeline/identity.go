package pipeline

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"

	"github.com/2lab-ai/hal9/layers"
)

// identity stands for a signal's source and id: 128 bits of a hash, against chance and malice.
type identity [16]byte

// text returns the identity as it stands in the ids of records: 22 characters.
func (i *identity) text() string { return base64.RawURLEncoding.EncodeToString(i[:]) }

func identityOf(source, id string) identity {
	sum := identitySum(source, id)
	return identity(sum[:len(identity{})])
}

// SignalID returns the record id of a signal: 22 characters made from source and id. It is
// the same wherever the signal appears, so that each stream of results holds the signal once.
func SignalID(source, id string) string {
	i := identityOf(source, id)
	return i.text()
}

func identitySum(source, id string) [sha256.Size]byte {
	buf := make([]byte, 0, 128)
	buf = strconv.AppendInt(buf, int64(len(source)), 10)
	buf = append(buf, ':')
	buf = append(buf, source...)
	buf = append(buf, id...)
	return sha256.Sum256(buf)
}

// TraceParentOf returns a W3C traceparent for a signal whose publisher sent none. It is made
// from the identity, so that a signal that is processed again keeps its trace.
func TraceParentOf(source, id string) string {
	sum := identitySum(source, id)
	buf := append(make([]byte, 0, 55), "00-"...)
	buf = append(hex.AppendEncode(buf, sum[:16]), '-')
	return string(append(hex.AppendEncode(buf, sum[16:24]), "-01"...))
}

// IsOwnTrace reports whether a traceparent is the one that TraceParentOf makes for the signal whose verdict has this record id.
func IsOwnTrace(recordID, traceParent string) bool {
	sum, err := base64.RawURLEncoding.DecodeString(recordID)
	return err == nil && len(sum) == len(identity{}) && traceID(traceParent) == hex.EncodeToString(sum)
}

// traceID returns the trace id of a valid traceparent.
func traceID(traceParent string) string {
	if len(traceParent) < 35 {
		return ""
	}
	return traceParent[3:35]
}

// situationRecordID tells what L4 adds to a revision apart from the revision itself, which L3 announced.
func situationRecordID(from layers.Name, s *layers.Situation) string {
	if from == layers.NameL4 {
		return plannedID(s)
	}
	return s.ID + "." + strconv.Itoa(s.Revision)
}

func plannedID(s *layers.Situation) string { return s.ID + "." + strconv.Itoa(s.Revision) + ".planned" }

func planRecordID(p *layers.Plan) string { return p.ID + "." + string(p.Event) }
