package ingest

// Layout of a W3C traceparent of version 00: 00-<32 hex>-<16 hex>-<2 hex>.
const (
	traceParentBytes = 55
	traceIDStart     = 3
	traceIDEnd       = 35
	spanIDEnd        = 52
)

// ValidTraceParent reports whether text is a W3C traceparent of version 00: lower-case
// hexadecimal digits in the right places, and neither id all zero.
func ValidTraceParent(text string) bool {
	if len(text) != traceParentBytes || text[:traceIDStart] != "00-" ||
		text[traceIDEnd] != '-' || text[spanIDEnd] != '-' {
		return false
	}
	traceID, spanID := text[traceIDStart:traceIDEnd], text[traceIDEnd+1:spanIDEnd]
	return isLowerHex(traceID) && !isZeros(traceID) &&
		isLowerHex(spanID) && !isZeros(spanID) && isLowerHex(text[spanIDEnd+1:])
}

// TraceID returns the 32 hexadecimal digits of the trace id, or "" where traceparent is
// not valid.
func TraceID(traceparent string) string {
	if !ValidTraceParent(traceparent) {
		return ""
	}
	return traceparent[traceIDStart:traceIDEnd]
}

func isLowerHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isZeros(text string) bool {
	for i := range len(text) {
		if text[i] != '0' {
			return false
		}
	}
	return true
}
