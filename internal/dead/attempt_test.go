package dead_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestNewID(t *testing.T) {
	long := strings.Repeat("x", 250)
	for _, c := range []struct {
		id   string
		seq  uint64
		want string
	}{
		{"web-1", 17, "web-1~redrive-17"},
		{"web-1~redrive-17", 18, "web-1~redrive-18"},
		{"web-1~redrive-", 18, "web-1~redrive-~redrive-18"},
		{"~redrive-3", 4, "~redrive-4"},
		{long, 7, pipeline.SignalID("s", long) + "~redrive-7"},
		{long[:245], 7, long[:245] + "~redrive-7"},
		{long + "~redrive-7", 8, pipeline.SignalID("s", long) + "~redrive-8"},
	} {
		if got := dead.NewID("s", c.id, c.seq); got != c.want || len(got) > 256 {
			t.Errorf("%s, letter %d: %s, want %s", c.id, c.seq, got, c.want)
		}
	}
}

// climber is a signal that has come as far as L4.
func climber() *layers.Envelope {
	return &layers.Envelope{
		Signal: layers.Signal{ID: "c1", Source: "shop", Key: "db-1", Time: noon, Text: "disk is full", Severity: layers.SeverityError},
		Origin: 9, ReceivedAt: noon, TraceParent: pipeline.TraceParentOf("shop", "c1"),
		Hops: []layers.Hop{{Layer: layers.NameL1}, {Layer: layers.NameL2}, {Layer: layers.NameL3}, {Layer: layers.NameL3}},
		Findings: layers.Findings{
			TemplateID: "t1", Template: "disk is full", Parameters: []string{"p"}, Features: map[string]float64{"f": 1}, NewTemplate: true,
			Anomaly: 0.5, Flagged: true, FlagReason: "new", Situation: &layers.Situation{ID: "sit-1"}, PlanID: "plan-1",
		},
	}
}

// letterOn returns the letter that a layer writes for an envelope, as it is read back.
func letterOn(t *testing.T, layer layers.Name, e *layers.Envelope) *dead.Letter {
	t.Helper()
	data, err := pipeline.NewPack(e)
	if err != nil {
		t.Fatal(err)
	}
	return asRead(letter(t, layer, &pipeline.Delivery{Seq: 3, Data: data}, pipeline.Envelopes{}))
}

// asRead returns a stored letter as number 17.
func asRead(r pipeline.Record) *dead.Letter {
	header := map[string][]string{"Nats-Msg-Id": {r.ID}}
	for name, value := range r.Header {
		header[name] = []string{value}
	}
	l := dead.NewLetter(&bus.Message{Seq: 17, Subject: r.Subject, Stored: noon.Add(time.Hour), Header: header, Data: r.Data})
	return &l
}

func TestPlanComesDownToTheTarget(t *testing.T) {
	for _, c := range []struct {
		from, to layers.Name
		subject  string
		change   func(*layers.Envelope)
	}{
		{layers.NameL4, layers.NameL4, "hal9.l4.0", func(*layers.Envelope) {}},
		{layers.NameL3, layers.NameL3, "hal9.l3.0", func(*layers.Envelope) {}},
		{layers.NameL4, layers.NameL3, pipeline.SubjectOf(layers.NameL3, pipeline.PartitionOf("db-1", 7)), func(e *layers.Envelope) {
			e.Hops = e.Hops[:2]
			f := &e.Findings
			f.PlanID, f.Situation, f.Flagged, f.FlagReason, f.Anomaly = "", nil, false, "", 0
		}},
		{layers.NameL5, layers.NameL2, pipeline.SubjectOf(layers.NameL2, pipeline.PartitionOf("db-1", 7)), func(e *layers.Envelope) {
			e.Hops, e.Findings = e.Hops[:1], layers.Findings{}
		}},
		{layers.NameL5, layers.NameL4, "hal9.l4.0", func(e *layers.Envelope) { e.Findings.PlanID = "" }},
	} {
		planner := dead.Planner{Decoder: newDecoder(t), Target: c.to, Partitions: 7, MaxBytes: 1 << 20}
		attempt, err := planner.Plan(letterOn(t, c.from, climber()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := pipeline.Envelopes{}.Decode(&pipeline.Delivery{Data: attempt.Record.Data})
		if err != nil {
			t.Fatal(err)
		}
		want := climber()
		want.ID = "c1~redrive-17"
		c.change(want)
		if diff := cmp.Diff(want, got); diff != "" || attempt.Record.Subject != c.subject {
			t.Errorf("%s to %s: %s, want %s; envelope (-want +got):\n%s", c.from, c.to, attempt.Record.Subject, c.subject, diff)
		}
		id := pipeline.SignalID("shop", "c1~redrive-17")
		if attempt.Record.ID != id || len(attempt.IDs) != 1 || attempt.IDs[0] != id || attempt.Record.Header["Hal9-Redrive-Of"] != "c1" {
			t.Errorf("%s to %s: %+v", c.from, c.to, attempt)
		}
	}
}

func TestPlanEntersTheSignalOfAnUpperLayerAgain(t *testing.T) {
	planner := dead.Planner{Decoder: newDecoder(t), Target: layers.NameL1, Partitions: 1, MaxBytes: 1 << 20}
	attempt, err := planner.Plan(letterOn(t, layers.NameL4, climber()))
	if err != nil {
		t.Fatal(err)
	}
	header := map[string][]string{}
	for name, value := range attempt.Record.Header {
		header[name] = []string{value}
	}
	item, err := newDecoder(t).Message(ingest.Message{Subject: attempt.Record.Subject, Header: header, Data: attempt.Record.Data, Seq: 1, Stored: time.Now()})
	want := climber().Signal
	want.ID = "c1~redrive-17"
	if diff := cmp.Diff(want, item.Signal); err != nil || diff != "" || attempt.Record.Subject != "hal9.signals.shop" {
		t.Errorf("%s (%v), signal (-want +got):\n%s", attempt.Record.Subject, err, diff)
	}
	if item.TraceParent != climber().TraceParent {
		t.Errorf("the trace is %s, want that of the first attempt", item.TraceParent)
	}
}

// readable is a letter of L1 whose signal could be read: the layer failed.
func readable(t *testing.T, data string) *dead.Letter {
	t.Helper()
	d := &pipeline.Delivery{Seq: 5, Subject: "hal9.signals.web", Data: []byte(data)}
	return asRead(letter(t, layers.NameL1, d, reading{t}))
}

// reading reads as L1 does.
type reading struct{ t *testing.T }

func (r reading) Decode(d *pipeline.Delivery) (*layers.Envelope, error) {
	item, err := newDecoder(r.t).Message(ingest.Message{Subject: d.Subject, Data: d.Data, Header: d.Header, Seq: d.Seq, Stored: d.Stored})
	if err != nil {
		return nil, layers.Permanent(err)
	}
	return &layers.Envelope{Signal: item.Signal, Origin: d.Seq, ReceivedAt: d.Stored, TraceParent: pipeline.TraceParentOf(item.Signal.Source, item.Signal.ID)}, nil
}

func (r reading) Name(d *pipeline.Delivery) (source, id string) {
	return pipeline.SourceOf(d.Subject), newDecoder(r.t).FallbackID(ingest.Message{Subject: d.Subject, Data: d.Data, Header: d.Header, Seq: d.Seq, Stored: d.Stored})
}

func TestPlanPassesOverL1(t *testing.T) {
	planner := dead.Planner{Decoder: newDecoder(t), Target: layers.NameL2, Partitions: 7, MaxBytes: 1 << 20}
	attempt, err := planner.Plan(readable(t, `{"id":"w1","host":"web-1","message":"slow"}`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := pipeline.Envelopes{}.Decode(&pipeline.Delivery{Data: attempt.Record.Data})
	if err != nil {
		t.Fatal(err)
	}
	if e.ID != "w1~redrive-17" || e.Source != "web" || e.Key != "web-1" || e.Text != "slow" || !e.Time.Equal(noon) || !e.ReceivedAt.Equal(noon) || e.Origin != 5 {
		t.Errorf("envelope %+v", e)
	}
	if want := pipeline.SubjectOf(layers.NameL2, pipeline.PartitionOf("web-1", 7)); attempt.Record.Subject != want || attempt.Record.Header["Hal9-Redrive-Of"] != "w1" {
		t.Errorf("%+v, want it on %s", attempt.Record, want)
	}
}

// foreign is a letter of L3 that somebody else wrote, who kept what was sent.
func foreign(data string) *dead.Letter {
	return asRead(pipeline.Record{Subject: "hal9.dead.L3", Data: []byte(data), Header: map[string]string{
		pipeline.HeaderError: "out of luck", pipeline.HeaderLayer: "L3", pipeline.HeaderAttempts: "5", pipeline.HeaderStream: "HAL9_L3", pipeline.HeaderSeq: "5",
	}})
}

func TestPlanTakesWhatWasSentWhereItNamesItself(t *testing.T) {
	l := foreign(`{"id":"w1","source":"web","host":"web-1","message":"slow"}`)
	for _, target := range []layers.Name{layers.NameL1, layers.NameL2} {
		planner := dead.Planner{Decoder: newDecoder(t), Target: target, Partitions: 7, MaxBytes: 1 << 20}
		attempt, err := planner.Plan(l)
		if err != nil {
			t.Fatal(err)
		}
		id := pipeline.SignalID("web", "w1~redrive-17")
		if attempt.Record.ID != id || attempt.Record.Header[pipeline.HeaderRedriveOf] != "w1" {
			t.Errorf("%s: %+v", target, attempt)
		}
	}
}

// TestPlanNamesEveryIDUnderWhichItsOutcomeIsFound has a payload whose own source counts once it can be read.
func TestPlanNamesEveryIDUnderWhichItsOutcomeIsFound(t *testing.T) {
	planner := dead.Planner{Decoder: newDecoder(t), Target: layers.NameL1, Partitions: 1, MaxBytes: 1 << 20}
	l := asRead(letter(t, layers.NameL1, &pipeline.Delivery{
		Seq: 5, Subject: "hal9.signals.web", Data: []byte(`{"source":"shop","message":"x"}`), Header: map[string][]string{"test-id": {"w1"}},
	}, named{}))
	attempt, err := planner.Plan(l)
	want := []string{pipeline.SignalID("web", "w1~redrive-17"), pipeline.SignalID("shop", "w1~redrive-17")}
	if diff := cmp.Diff(want, attempt.IDs); err != nil || diff != "" {
		t.Errorf("%v, ids (-want +got):\n%s", err, diff)
	}
}

func TestPlanSaysWhyNot(t *testing.T) {
	broken := asRead(rubbish(t, 0))
	large := readable(t, `{"id":"w1","message":"`+strings.Repeat("x", 5000)+`"}`)
	for _, c := range []struct {
		name   string
		letter *dead.Letter
		to     layers.Name
		want   string
	}{
		{"L2 from L3", letterOn(t, layers.NameL2, climber()), layers.NameL3, "L3 needs what the layers between find out: it died at L2"},
		{"L3 from L1", readable(t, `{"id":"w1"}`), layers.NameL3, "L3 needs what the layers between find out: it died at L1"},
		{"unreadable past L1", broken, layers.NameL2, "above L1 goes only what can be read: ingest: broken JSON"},
		{"past L2", foreign(`{"id":"w1","source":"web"}`), layers.NameL3, "L3 needs what the layers below find out: it holds what was sent"},
		{"no id", foreign(`{"source":"web","message":"slow"}`), layers.NameL2, "its data is none of HAL9's"},
		{"no source", foreign(`{"id":"w1","message":"slow"}`), layers.NameL2, "its data is none of HAL9's"},
		{"too large", large, layers.NameL1, "a message holds 3072"},
	} {
		planner := dead.Planner{Decoder: newDecoder(t), Target: c.to, Partitions: 1, MaxBytes: 4096}
		if _, err := planner.Plan(c.letter); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// FuzzLetter has any headers and data be planned for any layer.
func FuzzLetter(f *testing.F) {
	envelope, err := pipeline.NewPack(climber())
	if err != nil {
		f.Fatal(err)
	}
	f.Add("L1", "1", "shop", "7", "2026-03-04T12:00:00Z", []byte("x"), uint8(1))
	f.Add("L4", "-1", "", "", "never", envelope, uint8(3))
	f.Add("sink", "999999999999999999999999", "a\x00b", strings.Repeat("i", 300), "", []byte(nil), uint8(9))
	decoder := newDecoder(f)
	f.Fuzz(func(t *testing.T, layer, number, source, id, at string, data []byte, target uint8) {
		l := dead.NewLetter(&bus.Message{Seq: 1, Subject: "hal9.dead." + layer, Data: data, Header: map[string][]string{
			pipeline.HeaderAttempts: {number}, pipeline.HeaderSeq: {number}, pipeline.HeaderTruncated: {number}, "Nats-Msg-Size": {number},
			pipeline.HeaderSignalSource: {source}, pipeline.HeaderSignalID: {id}, pipeline.HeaderSignalReceived: {at}, source: {id}, at: nil,
		}})
		if l.Attempts < 0 || l.Size < 0 || l.Truncated < 0 {
			t.Errorf("negative numbers: %+v", l)
		}
		planner := dead.Planner{Decoder: decoder, Target: layers.Names()[target%5], Partitions: 3, MaxBytes: 1 << 20}
		a, err := planner.Plan(&l)
		if err != nil {
			return
		}
		if a.Record.Subject == "" || a.Record.ID == "" || len(a.IDs) == 0 || a.IDs[0] != a.Record.ID || a.Record.Header[pipeline.HeaderRedriveOf] == "" && id != "" && l.Layer == "L1" {
			t.Errorf("attempt %+v", a)
		}
	})
}
