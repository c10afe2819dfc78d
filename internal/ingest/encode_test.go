package ingest

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// roundTrip writes a signal, reads it back as a message and wants the same.
func roundTrip(t *testing.T, d *Decoder, s *layers.Signal) {
	t.Helper()
	encoded, err := Encode(s)
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	if !json.Valid(encoded) {
		t.Fatalf("no JSON: %s", encoded)
	}
	if len(encoded) > d.maxBytes {
		return
	}
	got, err := d.Message(Message{Subject: "hal9.signals.elsewhere", Data: encoded, Seq: 1, Stored: nowAt})
	if err != nil {
		t.Fatalf("%s: %v", encoded, err)
	}
	if diff := cmp.Diff(Item{Signal: *s}, got); diff != "" {
		t.Fatalf("%s: want -, got +:\n%s", encoded, diff)
	}
}

func TestEncodeForm(t *testing.T) {
	s := layers.Signal{
		ID: "a-1", Source: "s", Type: "t", Key: "k", Time: time.Date(2014, 7, 1, 2, 0, 0, 5, time.FixedZone("", 7200)),
		Severity: layers.SeverityError, Labels: map[string]string{"b": "2", "a": "1"}, Value: -.5, HasValue: true,
		Text: "<b>\"x\"\n\x01\\é", Data: json.RawMessage(`{ "x" : 1 }`),
	}
	got, err := Encode(&s)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"a-1","source":"s","type":"t","subject":"k","time":"2014-07-01T00:00:00.000000005Z","severity":"error",` +
		`"labels":{"a":"1","b":"2"},"value":-0.5,"message":"<b>\"x\"\n\u0001\\é","data":{ "x" : 1 }}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	got, err = Encode(&layers.Signal{ID: "a", Source: "s", Key: "k", Time: nowAt})
	if want := `{"id":"a","source":"s","subject":"k","time":"2024-05-19T12:30:00Z","data":null}`; string(got) != want || err != nil {
		t.Errorf("%s, want %s (%v)", got, want, err)
	}
}

// TestEncodeRoundTrip draws signals at random: any signal within the bounds survives.
func TestEncodeRoundTrip(t *testing.T) {
	d := newDecoder(t)
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		s := randomSignal(random)
		roundTrip(t, d, &s)
	}
}

func randomSignal(random *rand.Rand) layers.Signal {
	s := layers.Signal{
		ID:       "i" + randomText(random, false),
		Source:   "s" + randomText(random, false),
		Key:      "k" + randomText(random, false),
		Time:     time.Unix(random.Int64N(7e9), random.Int64N(1e9)).UTC(),
		Severity: layers.Severity(random.IntN(6)),
	}
	if random.IntN(2) == 0 {
		s.Type = randomText(random, false)
	}
	if random.IntN(2) == 0 {
		s.Text = randomText(random, true)
	}
	if random.IntN(2) == 0 {
		s.Value, s.HasValue = math.Float64frombits(random.Uint64()), true
		if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
			s.Value = 0
		}
	}
	for range random.IntN(4) {
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		s.Labels["l"+randomText(random, true)] = randomText(random, true)
	}
	if data := [...]string{"", `""`, `{"labels":{"alertname":"A"},"message":"no"}`, `[ 1 ]`, "1e999", "false"}[random.IntN(6)]; data != "" {
		s.Data = json.RawMessage(data)
	}
	return s
}

// randomText draws from what needs care: quotes, escapes, control characters where they
// are allowed, other scripts, JSON.
func randomText(random *rand.Rand, control bool) string {
	parts := []string{"a", " ", `"`, `\`, "é", "🌎", "{", "ERROR ", "12", "null", "<", "\u2028", "\ufffd"}
	if control {
		parts = append(parts, "\n", "\x00", "\x1b", "\t", "\x7f", "\r")
	}
	var text strings.Builder
	for range random.IntN(8) {
		text.WriteString(parts[random.IntN(len(parts))])
	}
	return text.String()
}

func TestEncodeRefuses(t *testing.T) {
	good := layers.Signal{ID: "a", Source: "s", Key: "k", Time: nowAt}
	for field, spoil := range map[string]func(*layers.Signal){
		"id":       func(s *layers.Signal) { s.ID = "" },
		"source":   func(s *layers.Signal) { s.Source = "\xff" },
		"subject":  func(s *layers.Signal) { s.Key = "" },
		"message":  func(s *layers.Signal) { s.Text = "\xff" },
		"labels":   func(s *layers.Signal) { s.Labels = map[string]string{"": "x"} },
		"value":    func(s *layers.Signal) { s.Value, s.HasValue = math.Inf(1), true },
		"severity": func(s *layers.Signal) { s.Severity = 9 },
		"data":     func(s *layers.Signal) { s.Data = json.RawMessage(`{`) },
		"time":     func(s *layers.Signal) { s.Time = time.Time{} },
	} {
		s := good
		spoil(&s)
		if encoded, err := Encode(&s); err == nil || !strings.Contains(err.Error(), `field "`+field+`"`) {
			t.Errorf("%s: %s, %v", field, encoded, err)
		}
	}
}

func TestEncodeIsTheSameEveryTime(t *testing.T) {
	s := layers.Signal{ID: "a", Source: "s", Key: "k", Time: nowAt, Labels: map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"}}
	first, _ := Encode(&s)
	for range 50 {
		if again, _ := Encode(&s); string(again) != string(first) {
			t.Fatalf("%s, then %s", first, again)
		}
	}
}
