package cli_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func tell(t *testing.T, b *bus.Bus, id, source string) (*cli.Story, error) {
	t.Helper()
	teller := cli.Teller{Bus: b, Decoder: newDoor(t).Decoder}
	return teller.Tell(t.Context(), id, source)
}

// explained returns a story as people see it.
func explained(t *testing.T, s *cli.Story, now time.Time) string {
	t.Helper()
	var out bytes.Buffer
	explain := cli.Explain{Screen: cli.Screen{Out: &out}, Place: time.UTC, Now: func() time.Time { return now }}
	if err := explain.Print(s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// letter is the dead letter of sample 5.
func letter() pipeline.Record {
	return pipeline.Record{
		Subject: pipeline.SubjectOfDead(layers.NameL1), ID: pipeline.SignalID("evil", "web-5") + ".dead", Data: []byte("{\"a\":\x1b["),
		Header: map[string]string{"Hal9-Error": "broken JSON", "Hal9-Layer": "L1", "Hal9-Attempts": "1", "Hal9-Stream": "HAL9_L1", "Hal9-Seq": "17"},
	}
}

func TestExplainTellsTheWholeStory(t *testing.T) {
	b, _ := provisioned(t)
	publishSamples(t, b)
	// What is published last counts: an older revision must not be shown.
	newest := sampleSituation()
	newest.Revision, newest.Members, newest.Event = 3, 13, layers.SituationClosed
	publish(t, b, situationRecord(t, newest), letter(), pipeline.Record{Subject: "hal9.dead.L1", ID: "other.dead"})
	publish(t, b, verdictRecord(t, sample(1, func(v *layers.Verdict) { v.Source = "shop" })))
	var people, programs strings.Builder
	for _, id := range []string{"web-1", "web-2", "web-3", "web-4", "web-5"} {
		story, err := tell(t, b, id, "")
		if err != nil {
			t.Fatal(err)
		}
		people.WriteString(explained(t, story, noon) + "----\n")
		if story.Dead != nil {
			story.Dead.StoredAt = noon
		}
		if err := story.JSON(&programs); err != nil {
			t.Fatal(err)
		}
	}
	goldentest.Check(t, "testdata/explain.golden", people.String())
	goldentest.Check(t, "testdata/explain.json.golden", programs.String())
}

func TestExplainTellsSourcesApart(t *testing.T) {
	b, _ := provisioned(t)
	for _, source := range []string{"web", "shop", "web"} {
		publish(t, b, verdictRecord(t, sample(1, func(v *layers.Verdict) { v.Source, v.Reason = source, "of "+source })))
	}
	for source, reason := range map[string]string{"": "of shop", "web": "of web", "shop": "of shop"} {
		story, err := tell(t, b, "web-1", source)
		if err != nil || !strings.Contains(string(story.Verdict), reason) {
			t.Errorf("source %q: %v, %s; want the verdict %s", source, err, story.Verdict, reason)
		}
	}
	_, err := tell(t, b, "web-1", "none")
	missing, ok := errors.AsType[*cli.NotFoundError](err)
	if !ok || missing.Source != "none" || err.Error() != "cli: no signal web-1 of source none: never seen, or older than what the streams keep" {
		t.Errorf("error %v, want a NotFoundError that names id and source", err)
	}
	story, err := tell(t, b, "web-1", "")
	if err != nil || !cmp.Equal(story.OtherSources, []string{"web"}) {
		t.Errorf("%v, other sources %v, want web", err, story.OtherSources)
	}
}

func TestExplainFindsWhatIsUnderWay(t *testing.T) {
	b, _ := provisioned(t)
	if _, err := send(t, b, cli.SendOptions{Text: "hello", ID: "s-1", Source: "web"}); err != nil {
		t.Fatal(err)
	}
	e := layers.Envelope{
		Signal: layers.Signal{ID: "s-2", Source: "web", Key: "db-1", Time: noon}, Origin: 2, ReceivedAt: noon,
		Hops: []layers.Hop{{Layer: layers.NameL1, WaitUS: 5, ProcessUS: 7}},
	}
	data, err := pipeline.NewPack(&e)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b,
		pipeline.Record{Subject: "hal9.signals.raw", ID: "raw-1", Data: []byte("text of another publisher")},
		pipeline.Record{Subject: "hal9.signals.raw", ID: "raw-2", Data: []byte("\xff")},
		pipeline.Record{Subject: "hal9.l2.0", Data: data},
		pipeline.Record{Subject: "hal9.l3.0", Data: data},
		pipeline.Record{Subject: "hal9.l4.0", Header: map[string]string{pipeline.HeaderKind: pipeline.KindTick}, Data: data})
	for _, c := range []struct {
		id, source string
		layer      layers.Name
		key        string
	}{{"s-1", "web", layers.NameL1, "web"}, {"s-2", "web", layers.NameL3, "db-1"}, {"raw-1", "raw", layers.NameL1, "raw"}, {"raw-2", "raw", layers.NameL1, ""}} {
		for _, source := range []string{"", c.source} {
			story, err := tell(t, b, c.id, source)
			if err != nil {
				t.Fatal(err)
			}
			u := story.Underway
			if story.State != cli.StateUnderway || u.Layer != c.layer || u.Source != c.source || u.Key != c.key || u.ID != c.id || u.Seq == 0 {
				t.Errorf("%s: %+v, want it under way to %s", c.id, u, c.layer)
			}
			if _, ok := story.Trace(); ok {
				t.Errorf("%s has a trace without a verdict", c.id)
			}
		}
	}
	story, err := tell(t, b, "s-2", "web")
	if err != nil {
		t.Fatal(err)
	}
	story.Underway.StoredAt = noon
	goldentest.Check(t, "testdata/underway.golden", explained(t, story, noon.Add(2*time.Second))+"----\n"+explained(t, story, noon.Add(time.Minute)))
}

func TestTrace(t *testing.T) {
	b, _ := provisioned(t)
	for _, v := range []*layers.Verdict{
		sample(1, nil),
		sample(2, func(v *layers.Verdict) {
			v.Layer, v.DecidedAt = layers.NameL5, v.ReceivedAt.Add(2*time.Second)
			v.Hops = []layers.Hop{
				{Layer: layers.NameL1, WaitUS: 0, ProcessUS: 1},
				{Layer: layers.NameL2, WaitUS: 1, ProcessUS: 1},
				{Layer: layers.NameL3, WaitUS: 1_900_000, ProcessUS: 3},
				{Layer: layers.NameL4, WaitUS: 60_000, ProcessUS: 20_000},
				{Layer: layers.NameL5, WaitUS: 1, ProcessUS: 0},
			}
		}),
		sample(3, func(v *layers.Verdict) { v.Hops, v.DecidedAt, v.TraceID = nil, v.ReceivedAt.Add(-time.Second), "" }),
	} {
		publish(t, b, verdictRecord(t, v))
	}
	var out bytes.Buffer
	for _, id := range []string{"web-1", "web-2", "web-3"} {
		story, err := tell(t, b, id, "web")
		if err != nil {
			t.Fatal(err)
		}
		trace, ok := story.Trace()
		if !ok {
			t.Fatalf("%s has no trace", id)
		}
		if err := trace.Print(cli.Screen{Out: &out}); err != nil {
			t.Fatal(err)
		}
		if err := trace.JSON(&out); err != nil {
			t.Fatal(err)
		}
	}
	goldentest.Check(t, "testdata/trace.golden", out.String())
}
