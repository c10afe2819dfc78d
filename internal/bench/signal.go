package bench

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// signalBytes is the size of a signal in the rows that do not vary it.
const signalBytes = 256

// benchSubject is where the signals for HAL9 go.
const benchSubject = "hal9.signals.bench"

// idPrefix starts a signal's JSON: its id is "b" and eight digits, the signal's number.
const idPrefix = `{"id":"b`

// generator makes the signal of a number that happened at a time. The same arguments give the same signal.
type generator func(i int, at time.Time) []byte

// list returns the signals of the numbers 0 to n-1, a millisecond apart and the last one of now.
func (g generator) list(n int) [][]byte {
	first := time.Now().UTC().Add(-time.Duration(n) * time.Millisecond)
	list := make([][]byte, n)
	for i := range list {
		list[i] = g(i, first.Add(time.Duration(i)*time.Millisecond))
	}
	return list
}

// plain makes the signals of layers that decide nothing: JSON objects of exactly signalBytes, as an agent on one
// of 500 hosts would write them.
func plain(i int, at time.Time) []byte { return sized(signalBytes)(i, at) }

// sized makes plain signals of exactly size bytes.
func sized(size int) generator {
	return func(i int, at time.Time) []byte {
		return fill(i, at, size, fmt.Sprintf(`"source":"agent","host":"node-%03d","severity":"info","message":"request %d served in %d ms, `, i%500, i, i%97))
	}
}

// critical makes signals that climb to the highest layer: each says that another host is badly broken, so each
// opens a situation of its own.
func critical(i int, at time.Time) []byte {
	return fill(i, at, signalBytes, fmt.Sprintf(`"source":"arrays","labels":{"host":"node-%08d"},"severity":"critical","message":"disk failed, array degraded, `, i))
}

// fill returns a signal of exactly size bytes where its head is not longer: members ends inside of a string.
func fill(i int, at time.Time, size int, members string) []byte {
	const tail = `"}`
	head := fmt.Sprintf(idPrefix+`%08d","time":%q,%s`, i, at.Format("2006-01-02T15:04:05.000000000Z07:00"), members)
	const words = "all else fine "
	room := max(0, size-len(head)-len(tail))
	return []byte(head + strings.Repeat(words, room/len(words)+1)[:room] + tail)
}

// numberOf returns the number of a signal.
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

// numberOfVerdict returns the number of the signal that a verdict answers. Where layer is not 0, that layer
// must have resolved it.
func numberOfVerdict(layer layers.Name) func(data []byte) (int, error) {
	return func(data []byte) (int, error) {
		var v verdict
		if err := json.Unmarshal(data, &v); err != nil {
			return 0, fmt.Errorf("bench: read a verdict: %w", err)
		}
		wrong := v.Disposition == layers.DispositionDead.String()
		if layer != 0 {
			wrong = v.Layer != layer.String() || v.Disposition != layers.DispositionResolved.String()
		}
		if wrong {
			return 0, fmt.Errorf("bench: signal %s ended at %s as %s: %s", v.SignalID, v.Layer, v.Disposition, v.Reason)
		}
		return strconv.Atoi(strings.TrimPrefix(v.SignalID, "b"))
	}
}
