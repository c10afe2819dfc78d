package bench

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// signalBytes is the size of a signal in the rows that do not vary it.
const signalBytes = 256

// benchSubject is where the signals for HAL9 go.
const benchSubject = "hal9.signals.bench"

// idPrefix starts a signal's JSON: its id is the number that follows.
const idPrefix = `{"id":"b`

// signals returns the signals of the numbers from to to-1: JSON objects of exactly size bytes, as an agent on one of
// 500 hosts would write them. The same numbers give the same signals.
func signals(from, to, size int, severity string) [][]byte {
	list := make([][]byte, 0, to-from)
	for i := from; i < to; i++ {
		list = append(list, signal(i, size, severity))
	}
	return list
}

func signal(i, size int, severity string) []byte {
	head := fmt.Sprintf(idPrefix+`%08d","host":"node-%03d","severity":%q,"time":"2026-03-02T08:%02d:%02d.%06dZ","message":"request %d served in %d ms, `,
		i, i%500, severity, i/1_000_000/60%60, i/1_000_000%60, i%1_000_000, i, i%97)
	const tail = `"}`
	filler := max(0, size-len(head)-len(tail))
	return []byte(head + strings.Repeat("all fine ", filler/9+1)[:filler] + tail)
}

// numberOf returns the number of a signal made by signals.
func numberOf(data []byte) (int, error) {
	text := string(data[:min(len(data), len(idPrefix)+8)])
	digits, ok := strings.CutPrefix(text, idPrefix)
	if !ok {
		return 0, fmt.Errorf("bench: %q is no signal of this run", text)
	}
	return strconv.Atoi(digits)
}

// verdict is what the rows read of one.
type verdict struct {
	SignalID    string `json:"signal_id"`
	Layer       string `json:"layer"`
	Disposition string `json:"disposition"`
	Reason      string `json:"reason"`
}

// numberOfVerdict returns the number of the signal that a verdict answers. Where layer is not empty, that
// layer must have resolved it.
func numberOfVerdict(layer string) func(data []byte) (int, error) {
	return func(data []byte) (int, error) {
		var v verdict
		if err := json.Unmarshal(data, &v); err != nil {
			return 0, fmt.Errorf("bench: read a verdict: %w", err)
		}
		if v.Disposition == "dead" || layer != "" && (v.Layer != layer || v.Disposition != "resolved") {
			return 0, fmt.Errorf("bench: signal %s ended at %s as %s: %s", v.SignalID, v.Layer, v.Disposition, v.Reason)
		}
		return strconv.Atoi(strings.TrimPrefix(v.SignalID, "b"))
	}
}
