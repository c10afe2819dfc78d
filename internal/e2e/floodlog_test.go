package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// floodLog knows what was acknowledged, and then what was answered and in which order.
type floodLog struct {
	stored   []uint64 // by number: where a signal stands in HAL9_L1; 0 where it was not acknowledged
	answered []uint64 // by number: where its verdict stands
	twice    int
	unasked  int

	mu       sync.Mutex
	critical map[string]*singleSignal
	others   map[string]*singleSignal // plain, over HTTP
	stayed   int                      // of the flood, acknowledged
}

// singleSignal is one of those that are sent one by one.
type singleSignal struct {
	acked    bool
	stored   uint64 // in HAL9_L1, 0 where that is not known
	answered uint64
	sent     time.Time
	lined    time.Duration // from sent to stored: the line of messages in front of the stream
	took     time.Duration // from stored to answered
	waits    []hop
	verdicts int
	passed   int // signals stored before it and answered after it
}

// hop is where a signal waited, and for how long.
type hop struct {
	Layer  string `json:"layer"`
	WaitUS int64  `json:"wait_us"`
}

func newFloodLog(most int) *floodLog {
	return &floodLog{
		stored: make([]uint64, most), answered: make([]uint64, most),
		critical: map[string]*singleSignal{}, others: map[string]*singleSignal{},
	}
}

// note waits for the answer to a publish and reports whether it was acknowledged.
func (l *floodLog) note(number int, future jetstream.PubAckFuture) bool {
	select {
	case ack := <-future.Ok():
		l.stored[number] = ack.Sequence
		l.mu.Lock()
		l.stayed++
		l.mu.Unlock()
		return true
	case <-future.Err():
		return false
	}
}

// send notes a signal that is about to be sent; what is never acknowledged may be answered all the same.
func (l *floodLog) send(list map[string]*singleSignal, id string) *singleSignal {
	l.mu.Lock()
	defer l.mu.Unlock()
	list[id] = &singleSignal{sent: time.Now()}
	return list[id]
}

func (l *floodLog) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.stayed
	for _, list := range []map[string]*singleSignal{l.critical, l.others} {
		for _, one := range list {
			if one.acked {
				n++
			}
		}
	}
	return n
}

// read reads all verdicts.
func (l *floodLog) read(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	stream, err := js.Stream(t.Context(), "HAL9_VERDICTS")
	if err != nil {
		t.Fatal(err)
	}
	if dropped := stream.CachedInfo().State.FirstSeq - 1; dropped > 0 {
		t.Errorf("HAL9_VERDICTS has dropped its oldest %d verdicts: more was sent than this test can count", dropped)
	}
	position := uint64(0)
	read(t, js, "HAL9_VERDICTS", func(msg jetstream.Msg) {
		position++
		var v struct {
			ID         string    `json:"signal_id"`
			Source     string    `json:"source"`
			ReceivedAt time.Time `json:"received_at"`
			DecidedAt  time.Time `json:"decided_at"`
			Hops       []hop     `json:"hops"`
		}
		if err := json.Unmarshal(msg.Data(), &v); err != nil {
			t.Errorf("verdict %s: %v", msg.Data(), err)
		}
		if c := l.critical[v.ID]; c != nil && v.Source == "alarm" {
			c.verdicts++
			c.answered, c.took, c.waits = position, v.DecidedAt.Sub(v.ReceivedAt), v.Hops
			c.lined = v.ReceivedAt.Sub(c.sent)
			return
		}
		number, err := strconv.Atoi(strings.TrimPrefix(v.ID, "f"))
		switch other := l.others[v.ID]; {
		case other != nil && v.Source == "door":
			other.verdicts++
		case err != nil || v.Source != "flood" || number >= len(l.stored):
			l.unasked++
		case l.answered[number] > 0:
			l.twice++
		default:
			l.answered[number] = position
		}
	})
}

// check requires one verdict for each acknowledged signal, and that critical ones overtook.
func (l *floodLog) check(t *testing.T) {
	t.Helper()
	lost := 0
	for n, seq := range l.stored {
		if seq > 0 && l.answered[n] == 0 {
			lost++
		}
	}
	for _, list := range []map[string]*singleSignal{l.critical, l.others} {
		for id, one := range list {
			if one.verdicts > 1 || one.acked && one.verdicts == 0 {
				t.Errorf("signal %s has %d verdicts; acknowledged: %t", id, one.verdicts, one.acked)
			}
		}
	}
	if lost > 0 || l.twice > 0 || l.unasked > 0 {
		t.Errorf("%d signals were acknowledged and have no verdict, %d verdicts are second ones, %d are about something else", lost, l.twice, l.unasked)
	}
	l.countPassed()
	most := 0
	for _, c := range l.critical {
		most = max(most, c.passed)
	}
	if most < overtaken {
		t.Errorf("no critical signal was answered before more than %d that were stored earlier, want %d", most, overtaken)
	}
}

// countPassed counts for each critical signal how many that were stored before it were answered after it.
func (l *floodLog) countPassed() {
	for _, c := range l.critical {
		if c.stored == 0 {
			continue
		}
		for n, seq := range l.stored {
			if seq > 0 && seq < c.stored && l.answered[n] > c.answered {
				c.passed++
			}
		}
	}
}

// String says how long critical signals took, in calm and in the flood.
func (l *floodLog) String() string {
	var calm, flooded, lined []time.Duration
	var passed []int
	var waits [][]time.Duration
	var where []string
	for id, c := range l.critical {
		if c.verdicts == 0 {
			continue // Neither acknowledged nor stored.
		}
		if strings.HasPrefix(id, "calm") {
			calm = append(calm, c.took)
			continue
		}
		flooded, lined = append(flooded, c.took), append(lined, c.lined)
		for i, hop := range c.waits {
			if i == len(waits) {
				waits, where = append(waits, nil), append(where, hop.Layer)
			}
			waits[i] = append(waits[i], time.Duration(hop.WaitUS)*time.Microsecond)
		}
		if c.stored > 0 {
			passed = append(passed, c.passed)
		}
	}
	slices.Sort(passed)
	if len(calm) == 0 || len(flooded) == 0 || len(passed) == 0 {
		return "no critical signal was answered"
	}
	text := &strings.Builder{}
	fmt.Fprintf(text, "critical signals: in calm %s; in the flood %s; they passed %v others (least, half, most)",
		percentiles(calm), percentiles(flooded), []int{passed[0], passed[len(passed)/2], passed[len(passed)-1]})
	fmt.Fprintf(text, "\n  before, to be stored: %s", percentiles(lined))
	for i, list := range waits {
		fmt.Fprintf(text, "\n  waited for %s: %s", where[i], percentiles(list))
	}
	return text.String()
}

func percentiles(took []time.Duration) string {
	slices.Sort(took)
	at := func(p float64) time.Duration { return took[int(p*float64(len(took)-1))].Round(10 * time.Microsecond) }
	return fmt.Sprintf("%d, p50 %s, p90 %s, p99 %s, most %s", len(took), at(.5), at(.9), at(.99), at(1))
}

// highWater returns the most memory that a process has had, bytes.
func highWater(t *testing.T, pid int) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if os.IsNotExist(err) {
		t.Log("this system has no /proc: memory is not looked at")
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	t.Fatal("/proc says nothing of VmHWM")
	return 0
}
