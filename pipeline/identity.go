package pipeline

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"

	"github.com/2lab-ai/hal9/layers"
)

// idLength is how much of the hash an id keeps: 128 bits, against chance and malice.
const idLength = 16

// SignalID returns the record id of a signal: 22 characters made from source and id. It is
// the same wherever the signal appears, so that each stream holds the signal once.
func SignalID(source, id string) string {
	sum := identitySum(source, id)
	return base64.RawURLEncoding.EncodeToString(sum[:idLength])
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
	return "00-" + hex.EncodeToString(sum[:16]) + "-" + hex.EncodeToString(sum[16:24]) + "-01"
}

// traceID returns the trace id of a valid traceparent.
func traceID(traceParent string) string {
	if len(traceParent) < 35 {
		return ""
	}
	return traceParent[3:35]
}

func situationRecordID(s *layers.Situation) string { return s.ID + "." + strconv.Itoa(s.Revision) }

func planRecordID(p *layers.Plan) string { return p.ID + "." + string(p.Event) }
