package load

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// sourcePrefix starts the source of every signal, so that rules and sinks of the target can
// tell them from others.
const sourcePrefix = "load-"

// signal is one signal as users send it. The names are those that HAL9 recognises.
type signal struct {
	ID       string          `json:"id"`
	Source   string          `json:"source"`
	Key      string          `json:"key"`
	Severity layers.Severity `json:"severity,omitzero"`
	Message  string          `json:"message,omitempty"`
	Value    *float64        `json:"value,omitempty"`
}

// body returns the signal as it goes over the wire.
func (s *signal) body() ([]byte, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return data, nil
}

// record returns the signal for NATS.
func (s *signal) record() (pipeline.Record, error) {
	data, err := s.body()
	return pipeline.Record{
		Subject: pipeline.SubjectSignals + "." + s.Source, ID: pipeline.SignalID(s.Source, s.ID), Data: data,
	}, err
}

// service is what a user reports on.
type service struct {
	source string
	keys   int // entities of the service
	lines  []string
	level  float64 // of its metric; 0 where it writes lines only
}

// services are what the users run: several kinds of lines and metrics for L2 to tell apart, on
// enough keys for L3 to keep apart.
func services() []service {
	return []service{
		{source: sourcePrefix + "web", keys: 40, lines: []string{"GET /orders/%d 200 in %d ms", "POST /cart/%d 201 in %d ms", "GET /static/%d.js 304 in %d ms"}},
		{source: sourcePrefix + "shop", keys: 20, lines: []string{"order %d placed, %d items", "order %d paid after %d s", "stock of article %d is %d"}},
		{source: sourcePrefix + "db", keys: 8, lines: []string{"checkpoint %d complete, wrote %d buffers", "query %d took %d ms"}, level: 40},
		{source: sourcePrefix + "node", keys: 60, level: 55},
	}
}

// Shares of severities among lines.
const (
	shareCritical = 0.0005 // opens or joins a situation and climbs to L5
	shareError    = 0.005
	shareWarning  = 0.03
)

// sender makes the signals of one user.
type sender struct {
	prefix  string // of ids: no two runs share it
	service service
	key     string
	random  *rand.Rand
	sent    int
}

func newSender(run string, user int, random *rand.Rand) *sender {
	all := services()
	s := all[user%len(all)]
	return &sender{
		prefix: run + "-" + strconv.Itoa(user) + "-", service: s, random: random,
		key: s.source + "-" + strconv.Itoa(user/len(all)%s.keys),
	}
}

// next makes a signal.
func (s *sender) next() signal {
	s.sent++
	sig := signal{ID: s.prefix + strconv.Itoa(s.sent), Source: s.service.source, Key: s.key}
	if lines := s.service.lines; len(lines) > 0 && (s.service.level == 0 || s.random.IntN(2) == 0) {
		sig.Severity = s.severity()
		sig.Message = fmt.Sprintf(lines[s.random.IntN(len(lines))], s.random.IntN(100_000), s.random.IntN(500))
		if sig.Severity >= layers.SeverityError {
			sig.Message = fmt.Sprintf("upstream %s timed out after %d ms", s.key, 1000+s.random.IntN(9000))
		}
		return sig
	}
	value := s.service.level * (1 + 0.03*s.random.NormFloat64())
	sig.Value = &value
	return sig
}

func (s *sender) severity() layers.Severity {
	switch drawn := s.random.Float64(); {
	case drawn < shareCritical:
		return layers.SeverityCritical
	case drawn < shareCritical+shareError:
		return layers.SeverityError
	case drawn < shareCritical+shareError+shareWarning:
		return layers.SeverityWarning
	default:
		return layers.SeverityInfo
	}
}
