package trial

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/rehearsal"
	"github.com/2lab-ai/hal9/layers"
)

// arrival is a signal of a test at its time.
type arrival struct {
	at            time.Time
	entry, repeat int
}

// arrivals returns the signals of a test as they come: of those at one time, in the order of the file.
func (t *Test) arrivals() []arrival {
	var all []arrival
	for i := range t.Signals {
		s := &t.Signals[i]
		for k := range s.Repeat {
			all = append(all, arrival{s.at.Add(time.Duration(k) * s.every), i, k})
		}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return a.at.Compare(b.at) })
	return all
}

// What stands for the repetition's number and value in whatever a signal says.
const (
	markNumber = "{n}"
	markValue  = "{value}"
)

// message returns what the sender of an entry, the entry-th of its test counted from 0, publishes in its n-th
// repetition, counted from 1.
func (s *Signal) message(entry, n int) (rehearsal.Message, error) {
	m := rehearsal.Message{Subject: ingest.SubjectPrefix + ingest.SubjectToken(s.Source)}
	var err error
	switch body := s.Body.(type) {
	case nil:
		m.Data, err = s.encode(entry, n)
	case string:
		m.Data = []byte(body)
	default:
		m.Data, err = json.Marshal(body)
	}
	if err != nil {
		return m, err
	}
	m.Data = bytes.ReplaceAll(m.Data, []byte(markNumber), strconv.AppendInt(nil, int64(n), 10))
	if value, ok := s.value(n); ok {
		m.Data = bytes.ReplaceAll(m.Data, []byte(markValue), strconv.AppendFloat(nil, value, 'g', -1, 64))
	}
	if s.Body != nil {
		m.Header = map[string][]string{"Nats-Msg-Id": {s.id(entry, n)}}
	}
	return m, nil
}

// id returns the id of a repetition.
func (s *Signal) id(entry, n int) string {
	id := cmp.Or(s.ID, "s"+strconv.Itoa(entry+1))
	if s.Repeat > 1 && !strings.Contains(id, markNumber) {
		id += "-" + markNumber
	}
	return strings.ReplaceAll(id, markNumber, strconv.Itoa(n))
}

func (s *Signal) value(n int) (value float64, ok bool) {
	if len(s.Values) > 0 {
		value, ok = s.Values[(n-1)%len(s.Values)].(float64)
		return value, ok
	}
	value, ok = s.Value.(float64)
	return value, ok
}

// encode writes the fields in HAL9's own form, or without a key as any sender's object, whose key is looked for.
func (s *Signal) encode(entry, n int) ([]byte, error) {
	signal := layers.Signal{
		ID: s.id(entry, n), Source: s.Source, Type: s.Type, Key: s.Key, Severity: s.Severity, Labels: s.Labels, Text: s.Text,
		Time: s.at.Add(time.Duration(n-1)*s.every - s.lag),
	}
	signal.Value, signal.HasValue = s.value(n)
	if s.Data != nil {
		data, err := json.Marshal(s.Data)
		if err != nil {
			return nil, fmt.Errorf("data: %w", err)
		}
		signal.Data = data
	}
	keyless := s.Key == "" && s.Data == nil
	signal.Key = cmp.Or(s.Key, s.Source)
	own, err := ingest.Encode(&signal)
	if err != nil || !keyless {
		return own, err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(own, &object); err != nil {
		return nil, err
	}
	delete(object, "subject")
	delete(object, "data")
	return json.Marshal(object)
}
