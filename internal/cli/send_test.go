package cli_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/layers"
)

// send sends one signal and returns what it says.
func send(t *testing.T, b *bus.Bus, options cli.SendOptions) (string, error) {
	t.Helper()
	out := &buffer{}
	s := cli.Send{Options: options, Door: newDoor(t), Bus: b, Screen: cli.Screen{Out: out}, Place: time.UTC}
	err := s.Run(t.Context())
	return out.String(), err
}

func TestSendReadsItsFlags(t *testing.T) {
	value := 93.5
	for _, c := range []struct {
		name    string
		options cli.SendOptions
		want    layers.Signal
	}{
		{
			"text that states a severity",
			cli.SendOptions{Text: "ERROR disk full", ID: "1"},
			layers.Signal{ID: "1", Source: "cli", Key: "cli", Time: noon, Severity: layers.SeverityError, Text: "ERROR disk full"},
		},
		{
			"severity that is asked for",
			cli.SendOptions{Text: "ERROR disk full", ID: "1", Severity: "warn", Source: "web"},
			layers.Signal{ID: "1", Source: "web", Key: "web", Time: noon, Severity: layers.SeverityWarning, Text: "ERROR disk full"},
		},
		{"number", cli.SendOptions{Text: "12.5", ID: "1"}, layers.Signal{ID: "1", Source: "cli", Key: "cli", Time: noon, Value: 12.5, HasValue: true}},
		{
			"all flags",
			cli.SendOptions{
				Text: "hot", ID: "1", Source: "s", Type: "temp", Key: "k", Severity: "critical",
				Time: "2014-07-01 00:00:00", Value: &value, Labels: map[string]string{"a": "b"},
			},
			layers.Signal{
				ID: "1", Source: "s", Type: "temp", Key: "k", Time: time.Date(2014, 7, 1, 0, 0, 0, 0, time.UTC),
				Severity: layers.SeverityCritical, Labels: map[string]string{"a": "b"}, Value: 93.5, HasValue: true, Text: "hot",
			},
		},
		{
			"label tells the key",
			cli.SendOptions{ID: "1", Labels: map[string]string{"host": "db-1"}},
			layers.Signal{ID: "1", Source: "cli", Key: "db-1", Time: noon, Labels: map[string]string{"host": "db-1"}},
		},
		{
			"payload",
			cli.SendOptions{ID: "1", Text: "flag", Severity: "info", Labels: map[string]string{"a": "b"}, Payload: `{"id":"p","level":"error","message":"mine","host":"h","source":"shop","labels":{"c":"d"}}`},
			layers.Signal{
				ID: "1", Source: "shop", Key: "h", Time: noon, Severity: layers.SeverityInfo, Text: "flag", Labels: map[string]string{"a": "b", "c": "d"},
				Data: json.RawMessage(`{"host":"h","id":"1","labels":{"a":"b","c":"d"},"level":"error","message":"flag","severity":"info","source":"shop"}`),
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := provisioned(t)
			out, err := send(t, b, c.options)
			if err != nil || out != "1\n" {
				t.Fatalf("it said %q, %v; want the id", out, err)
			}
			if diff := cmp.Diff([]layers.Signal{c.want}, signalsIn(t, b)); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSendRefuses(t *testing.T) {
	nan := math.NaN()
	b, _ := provisioned(t)
	for _, c := range []struct {
		options cli.SendOptions
		want    string
	}{
		{cli.SendOptions{}, "nothing to send: want a text, --value, --label or --payload"},
		{cli.SendOptions{Text: "a\xff"}, "cli: invalid UTF-8 at byte 1"},
		{cli.SendOptions{Text: "a", Severity: "bad"}, `--severity: "bad" is no severity: want debug`},
		{cli.SendOptions{Text: "a", Time: "yesterday"}, `cli: field "time": "yesterday" is no RFC 3339 time`},
		{cli.SendOptions{Text: "a", ID: strings.Repeat("x", 300)}, `cli: field "id": has 300 bytes`},
		{cli.SendOptions{Value: &nan}, "--value NaN: want a finite number"},
		{cli.SendOptions{Payload: "[1]"}, "--payload: want a JSON object"},
		{cli.SendOptions{Payload: "null"}, "--payload: want a JSON object"},
		{cli.SendOptions{Payload: `{"labels":1}`, Labels: map[string]string{"a": "b"}}, "--payload: labels: want a JSON object"},
	} {
		if _, err := send(t, b, c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %q", c.options, err, c.want)
		}
	}
	if n := len(signalsIn(t, b)); n > 0 {
		t.Errorf("%d signals were stored", n)
	}
}

func TestSendMakesIDsAndKnowsThemAgain(t *testing.T) {
	b, _ := provisioned(t)
	ids := map[string]bool{}
	for range 3 {
		out, err := send(t, b, cli.SendOptions{Text: "same"})
		if err != nil {
			t.Fatal(err)
		}
		ids[out] = true
	}
	if len(ids) != 3 {
		t.Errorf("ids %v, want three", ids)
	}
	for n, duplicate := range []string{"false", "true"} {
		out, err := send(t, b, cli.SendOptions{Text: "x", ID: "mine", Source: "s", JSON: true})
		want := `{
  "id": "mine",
  "source": "s",
  "key": "s",
  "stream": "HAL9_L1",
  "seq": 4,
  "duplicate": ` + duplicate + "\n}\n"
		if diff := cmp.Diff(want, out); err != nil || diff != "" {
			t.Errorf("time %d: %v, receipt (-want +got):\n%s", n, err, diff)
		}
	}
}

func TestSendWaitsForTheVerdict(t *testing.T) {
	b, _ := provisioned(t)
	// An older verdict on the same id of another source is not the one.
	publish(t, b, verdictRecord(t, sample(1, func(v *layers.Verdict) { v.Source = "other" })))
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for range 500 {
			if len(signalsIn(t, b)) == 1 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		publish(t, b, verdictRecord(t, sample(2, nil)), verdictRecord(t, sample(1, nil)))
	}()
	options := cli.SendOptions{Text: "x", ID: "web-1", Source: "web", Wait: 10 * time.Second}
	out, err := send(t, b, options)
	<-answered
	want := "web-1\n12:00:01.002 L2 resolved   info     web              db-1                 the template is known [web-1]\n"
	if diff := cmp.Diff(want, out); err != nil || diff != "" {
		t.Errorf("%v, output (-want +got):\n%s", err, diff)
	}
	// Sent again it is a duplicate, whose verdict is there already.
	options.JSON = true
	out, err = send(t, b, options)
	var receipt struct{ Verdict layers.Verdict }
	if err != nil || json.Unmarshal([]byte(out), &receipt) != nil || receipt.Verdict.Source != "web" {
		t.Errorf("%v, output %s: want a receipt with the verdict", err, out)
	}
}

func TestSendSaysWhereNoVerdictComes(t *testing.T) {
	b, _ := provisioned(t)
	out, err := send(t, b, cli.SendOptions{Text: "x", ID: "web-1", Wait: 200 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "no verdict on web-1 within 200ms") || out != "web-1\n" {
		t.Errorf("%v after %q, want the id and an error that says so", err, out)
	}
}
