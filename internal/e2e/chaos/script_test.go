package chaos_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// signalsMax is how many signals have an id of their own: seven digits.
const signalsMax = 9_999_999

// content says what kind of signal one is.
type content uint8

const (
	contentLog      content = iota + 1
	contentSample           // a metric sample
	contentAlert            // fires several times, then is over
	contentCritical         // opens or joins a situation
	contentHealth           // a rule answers it
	contentPoison           // cannot be read: a dead letter
)

// script is what is published: which signal is about which key, and the how many-th of its key it is.
// It is the same for the same seed; only base, the event time of the first, may differ.
type script struct {
	seed   int
	keys   int // how many entities the signals are about
	key    []uint16
	seq    []uint32 // from 1
	kind   []content
	apart  bool // no two keys have anything in common: a source and a service of its own for each
	base   time.Time
	step   time.Duration // of event time, from one signal to the next
	lines  []string      // real log lines, or made up ones
	series []float64
}

func newScript(seed, signals, keys int) *script {
	s := &script{
		seed: seed, keys: keys, key: make([]uint16, signals), seq: make([]uint32, signals), kind: make([]content, signals),
		lines: logLines(), series: sampleValues(),
	}
	random := rand.New(rand.NewPCG(uint64(seed), 2))
	counts := make([]uint32, keys)
	for i := range signals {
		key := min(random.IntN(keys), random.IntN(keys)) // some are busy, some quiet
		counts[key]++
		s.key[i], s.seq[i], s.kind[i] = uint16(key), counts[key], kindOf(key, random.IntN(1000))
	}
	return s
}

// kindOf decides by the key what its signals are, with exceptions by chance.
func kindOf(key, chance int) content {
	switch {
	case chance < 1:
		return contentPoison
	case chance < 4:
		return contentCritical
	case key%10 == 9:
		return contentAlert
	case key%10 >= 5:
		return contentSample
	case chance < 100:
		return contentHealth
	default:
		return contentLog
	}
}

func idOf(i int) string { return fmt.Sprintf("c-%07d", i) }

// indexOf returns which signal has this id.
func (s *script) indexOf(id string) (int, bool) {
	digits, ok := strings.CutPrefix(id, "c-")
	i, err := strconv.Atoi(digits)
	return i, ok && err == nil && i >= 0 && i < len(s.key) && idOf(i) == id
}

// markOf is text that stands in the payload of a signal, and nowhere else.
func markOf(i int) string { return fmt.Sprintf("~~%07d~~", i) }

func keyName(key uint16) string { return fmt.Sprintf("node-%03d", key) }

func (s *script) keyOf(i int) string { return keyName(s.key[i]) }

func (s *script) sourceOf(i int) string {
	key := s.key[i]
	switch {
	case s.apart:
		return fmt.Sprintf("sender-%03d", key)
	case key%10 == 9:
		return "alerts"
	case key%10 >= 5:
		return fmt.Sprintf("metrics-%d", key%3)
	default:
		return fmt.Sprintf("app-%d", key%7)
	}
}

// partitionOf is the published rule: FNV-1a of the key, modulo the number of partitions.
func partitionOf(key string, partitions int) int {
	hash := fnv.New32a()
	hash.Write([]byte(key))
	return int(hash.Sum32() % uint32(partitions))
}

func (s *script) timeOf(i int) time.Time { return s.base.Add(time.Duration(i) * s.step).UTC() }

// message returns the i-th signal as a careful sender publishes it; a careless one leaves the header out.
func (s *script) message(i int, withID bool) *nats.Msg {
	msg := &nats.Msg{Subject: "hal9.signals." + s.sourceOf(i), Data: s.body(i)}
	if withID || s.kind[i] == contentPoison { // what cannot be read is named by nothing else
		msg.Header = nats.Header{"Nats-Msg-Id": {idOf(i)}}
	}
	return msg
}

func (s *script) body(i int) []byte {
	key, seq := s.keyOf(i), int(s.seq[i])
	body := map[string]any{
		"id": idOf(i), "mark": markOf(i), "seq": seq, "key": key, "timestamp": s.timeOf(i).Format(time.RFC3339Nano),
		"labels": s.labels(i),
	}
	switch s.kind[i] {
	case contentLog:
		body["message"] = s.lines[(seq+37*int(s.key[i]))%len(s.lines)]
	case contentSample:
		body["value"] = s.value(i)
	case contentAlert:
		s.alert(i, body)
	case contentCritical:
		body["severity"], body["message"] = "critical", "disk of "+key+" is full"
	case contentHealth:
		body["message"], body["path"] = fmt.Sprintf("GET /healthz 200 %d ms", seq%9), "/healthz"
	case contentPoison:
		body["timestamp"] = "yesterday"
	}
	data, _ := json.Marshal(body) // Strings and numbers only.
	return data
}

func (s *script) labels(i int) map[string]string {
	key := s.key[i]
	if s.apart {
		return map[string]string{"service": keyName(key)}
	}
	return map[string]string{"service": fmt.Sprintf("svc-%d", key/4)}
}

// value is a real series, with a step now and then that no baseline expects.
func (s *script) value(i int) float64 {
	seq, key := int(s.seq[i]), int(s.key[i])
	v := s.series[(seq+11*key)%len(s.series)]
	if seq%90 == 89 {
		v = v*7 + 100
	}
	return math.Round(v*1e4) / 1e4
}

// alert fires five times and is over.
func (s *script) alert(i int, body map[string]any) {
	labels := s.labels(i)
	labels["alertname"], labels["instance"], labels["severity"] = "DiskFillsUp", s.keyOf(i), "warning"
	body["labels"] = labels
	body["annotations"] = map[string]string{"summary": "the disk of " + s.keyOf(i) + " fills up"}
	body["startsAt"] = s.timeOf(i).Format(time.RFC3339Nano)
	body["status"] = "firing"
	if s.seq[i]%6 == 0 {
		body["status"] = "resolved"
	}
}
