package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// unreadable gives each message the name that its header says.
type unreadable struct{}

func (unreadable) Decode(*pipeline.Delivery) (*layers.Envelope, error) {
	return nil, layers.Permanent(errors.New("unreadable"))
}

func (unreadable) Name(d *pipeline.Delivery) (source, id string) {
	return pipeline.SourceOf(d.Subject), d.HeaderValue("x-id")
}

// letterOf returns the letter that a layer writes.
func letterOf(t *testing.T, layer layers.Name, reason, id string, data []byte) pipeline.Record {
	t.Helper()
	d := &pipeline.Delivery{
		Stream: pipeline.StreamOf(layer, 0, 1), Seq: 40, Subject: "hal9.signals.shop", Data: data, Stored: noon,
		Header: map[string][]string{"x-id": {id}, "content-type": {"text/plain"}},
	}
	var decoder pipeline.Decoder = unreadable{}
	if layer != layers.NameL1 {
		decoder = pipeline.Envelopes{}
	}
	buried, err := pipeline.Bury(d, decoder, pipeline.Burial{
		Layer: layer, Reason: errors.New(reason), Attempts: 3, Now: noon, MaxRecordBytes: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	return buried[0].Records[0]
}

// shelve stores one letter of each kind that people see: they are numbered from 1.
func shelveLetters(t *testing.T, b *bus.Bus) {
	t.Helper()
	envelope, err := pipeline.NewPack(&layers.Envelope{
		Signal:     layers.Signal{ID: "up-1", Source: "shop", Key: "db-1", Time: noon, Severity: layers.SeverityError, Text: "disk is full"},
		ReceivedAt: noon.Add(-time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	truncated := letterOf(t, layers.NameL1, "ingest: too large: 2000000 bytes; want at most 1000000", "cut", bytes.Repeat([]byte("x"), 3000))
	truncated.Header[pipeline.HeaderTruncated] = "2000000"
	publish(t, b,
		letterOf(t, layers.NameL1, "ingest: broken JSON: it ends at byte 30; want a JSON value", "order 1", []byte("\ufeff{\"id\":\"7\",\n\t\"m\x1b[31m")),
		letterOf(t, layers.NameL1, `ingest: field "time": "soon" is no RFC 3339 time; want another`, "order-2", []byte(`{"id":7,"time":"soon","html":"<b>","list":[1,{"a":null}]}`)),
		letterOf(t, layers.NameL3, "pipeline: layer L3 panicked: index 17 out of range", "", envelope),
		letterOf(t, layers.NameL1, "ingest: broken JSON: it ends at byte 7; want a JSON value", strings.Repeat("long-", 20), nil),
		letterOf(t, layers.NameL1, "ingest: invalid UTF-8 at byte 0; want UTF-8", "bin", append([]byte{0xff, 0}, bytes.Repeat([]byte("0123456789abcdef"), 40)...)),
		truncated,
		pipeline.Record{Subject: "hal9.dead.sink", ID: "s", Header: map[string]string{"Hal9-Error": "404 \u202eNot Found", "Hal9-Attempts": "5"}, Data: []byte("{}")},
		letterOf(t, layers.NameL1, "ingest: empty", "many", []byte(strings.Repeat("a line\n", 80)+strings.Repeat("wide ", 80))),
		letterOf(t, layers.NameL1, "ingest: empty", "order-2~redrive-2", []byte("again")),
	)
	marks, err := b.Marks(t.Context(), pipeline.StreamDead)
	if err != nil {
		t.Fatal(err)
	}
	if err := marks.Add(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
}

func openShelf(t *testing.T, b *bus.Bus) *dead.Shelf {
	t.Helper()
	shelf, err := dead.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return shelf
}

// later is a clock that makes every letter three hours old.
func later() time.Time { return time.Now().Add(3 * time.Hour) }

func list(t *testing.T, b *bus.Bus, options cli.LettersOptions, width int) string {
	t.Helper()
	var out bytes.Buffer
	letters := cli.Letters{
		Options: options, Shelf: openShelf(t, b), Screen: cli.Screen{Out: &out, Width: width}, Now: later, Hint: " --nats nats://n:1",
	}
	if err := letters.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLettersForPeople(t *testing.T) {
	b, _ := provisioned(t)
	var all strings.Builder
	show := func(title string, options cli.LettersOptions, width int) {
		text := list(t, b, options, width)
		fmt.Fprintf(&all, "== %s\n%s\n", title, text)
		for line := range strings.Lines(text) {
			if n := len([]rune(line)) - 1; width > 0 && n > width && !strings.Contains(line, "hal9 dead") {
				t.Errorf("%s: a line has %d characters, want at most %d: %s", title, n, width, line)
			}
		}
	}
	show("nothing", cli.LettersOptions{}, 0)
	shelveLetters(t, b)
	show("all", cli.LettersOptions{}, 0)
	show("narrow", cli.LettersOptions{Limit: 3}, 120)
	show("with those redriven", cli.LettersOptions{Filter: dead.Filter{Redriven: true, Layer: "L1"}, Limit: 2}, 0)
	show("filtered", cli.LettersOptions{Filter: dead.Filter{Reason: "PANICKED"}}, 0)
	show("none of those asked for", cli.LettersOptions{Filter: dead.Filter{Source: "absent"}}, 0)
	goldentest.Check(t, "testdata/letters.golden", all.String())
}

func TestLettersForPrograms(t *testing.T) {
	b, _ := provisioned(t)
	shelveLetters(t, b)
	lines := strings.Split(strings.TrimSpace(list(t, b, cli.LettersOptions{JSON: true, Filter: dead.Filter{Redriven: true}}, 0)), "\n")
	if len(lines) != 9 {
		t.Fatalf("%d lines, want 9", len(lines))
	}
	for i, line := range lines {
		var l struct {
			Seq      int       `json:"seq"`
			StoredAt time.Time `json:"stored_at"`
			Layer    string    `json:"layer"`
			Redriven bool      `json:"redriven"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.Seq != 9-i || l.StoredAt.IsZero() || l.Redriven != (l.Seq == 2) {
			t.Errorf("line %d: %s", i, line)
		}
	}
	want := `"layer":"L3","reason":"pipeline: layer L3 panicked: index 17 out of range","attempts":3,"source":"shop","signal_id":"up-1",` +
		`"received_at":"2026-03-04T11:00:00Z","stream":"HAL9_L3","stream_seq":40,`
	if !strings.Contains(lines[6], want) {
		t.Errorf("%s\nwant %s", lines[6], want)
	}
}

// times are what a clock says on a page.
var times = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d+( UTC|Z)`)

func show(t *testing.T, b *bus.Bus, form cli.LetterForm, name string) string {
	t.Helper()
	var out bytes.Buffer
	page := cli.ShowLetter{Form: form, Shelf: openShelf(t, b), Screen: cli.Screen{Out: &out}, Place: time.UTC, Now: later}
	if err := page.Run(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLetterForPeople(t *testing.T) {
	b, _ := provisioned(t)
	shelveLetters(t, b)
	var all strings.Builder
	for i := range 9 {
		fmt.Fprintf(&all, "== %d\n%s\n", i+1, show(t, b, cli.LetterPage, strconv.Itoa(i+1)))
	}
	text := strings.ReplaceAll(all.String(), noon.Format("2006-01-02 15:04:05.000 MST"), "(noon)")
	goldentest.Check(t, "testdata/letter.golden", times.ReplaceAllString(text, "(now)"))
}

func TestLetterForPrograms(t *testing.T) {
	b, _ := provisioned(t)
	shelveLetters(t, b)
	for i, want := range map[int]string{
		1: `"payload": "`, 2: `"redriven_as": "order-2~redrive-2"`, 3: `"message": "disk is full"`, 4: `"bytes": 0`, 5: `"payload_base64": "/wAwMTI`,
		6: `"truncated": 2000000`, 9: `"signal_id": "order-2~redrive-2"`,
	} {
		text := show(t, b, cli.LetterJSON, strconv.Itoa(i))
		if !json.Valid([]byte(text)) || !strings.Contains(text, want) {
			t.Errorf("letter %d is\n%s, want %s", i, text, want)
		}
	}
	if raw := show(t, b, cli.LetterRaw, "order 1"); raw != "\ufeff{\"id\":\"7\",\n\t\"m\x1b[31m" {
		t.Errorf("the raw payload is %q", raw)
	}
	if raw := show(t, b, cli.LetterRaw, "id:bin"); len(raw) != 2+640 || raw[0] != 0xff {
		t.Errorf("the raw payload is %q", raw)
	}
}

func TestRedriveForPeople(t *testing.T) {
	b, _ := provisioned(t)
	shelveLetters(t, b)
	var all strings.Builder
	run := func(title string, names []string, options dead.Options) {
		var out, notes bytes.Buffer
		options.Patience = time.Minute
		redrive := cli.Redrive{
			Names: names, Shelf: openShelf(t, b), Notes: &notes,
			Redrive: dead.Redrive{
				Bus: b, Options: options, Now: func() time.Time { return noon },
				Planner: dead.Planner{Decoder: newDoor(t).Decoder, Target: layers.NameL1, Partitions: 1, MaxBytes: 1 << 20},
			},
		}
		outcome, err := redrive.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := cli.PrintOutcome(&out, &outcome); err != nil {
			t.Fatal(err)
		}
		if err := cli.OutcomeJSON(&out, &outcome); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "== %s\n%s--\n%s\n", title, notes.String(), out.String())
	}
	run("dry", nil, dead.Options{DryRun: true})
	run("one by its id", []string{"order 1"}, dead.Options{Rate: 0.1})
	run("the same again", []string{"1"}, dead.Options{})
	run("the rest", nil, dead.Options{})
	run("nothing but what can't be", nil, dead.Options{Rate: 100})
	interrupted := dead.Outcome{Letters: 100_000, Redriven: 1234, Before: 1, Gone: 2, Failed: 3, Target: "L2", Reasons: map[string]int{"x": 3}, Seconds: 12.34, Rate: 100}
	if err := cli.PrintOutcome(&all, &interrupted); err != nil {
		t.Fatal(err)
	}
	goldentest.Check(t, "testdata/redrive.golden", all.String())
}
