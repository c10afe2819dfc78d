package pipeline_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func fullEnvelope() *layers.Envelope {
	at := time.Date(2026, 11, 23, 8, 0, 0, 123456789, time.UTC)
	return &layers.Envelope{
		Signal: layers.Signal{
			ID: "id-1", Source: "nginx", Type: "log", Key: "web-1", Time: at, Severity: layers.SeverityError,
			Labels: map[string]string{"service": "shop", "": "empty name"}, Value: -0.5, HasValue: true,
			Text: "Grüße\x00", Data: json.RawMessage(`{"a":1}`),
		},
		Origin: 1 << 40, ReceivedAt: at.Add(time.Second), TraceParent: pipeline.TraceParentOf("nginx", "id-1"),
		Hops: []layers.Hop{{Layer: layers.NameL1, WaitUS: 12, ProcessUS: 3}, {Layer: layers.NameL2, WaitUS: -1}},
		Findings: layers.Findings{
			TemplateID: "t1", Template: "took <*>", Parameters: []string{"", "35ms"}, NewTemplate: true,
			Features: map[string]float64{"took_ms": 35, "value": -0.5}, Anomaly: 0.75, Flagged: true, FlagReason: "far above",
			Situation: &layers.Situation{
				ID: "sit-1", Event: layers.SituationOpened, Revision: 1, Severity: layers.SeverityError,
				OpenedAt: at, UpdatedAt: at, Members: 1, MemberIDs: []string{"id-1"}, Entities: []layers.Entity{{Name: "web-1", Score: 1}},
			},
			PlanID: "plan-1",
		},
	}
}

func TestEnvelopeRoundTrip(t *testing.T) {
	for name, want := range map[string]*layers.Envelope{"empty": {}, "full": fullEnvelope()} {
		t.Run(name, func(t *testing.T) {
			data, err := pipeline.AppendEnvelope(nil, want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := pipeline.DecodeEnvelope(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("decoded envelope differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeEnvelopeRefusesEveryTruncation(t *testing.T) {
	data, err := pipeline.AppendEnvelope(nil, fullEnvelope())
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		if _, err := pipeline.DecodeEnvelope(data[:n]); !layers.IsPermanent(err) {
			t.Fatalf("%d of %d bytes: error %v, want a permanent one", n, len(data), err)
		}
	}
	if _, err := pipeline.DecodeEnvelope(append(data, 0)); !layers.IsPermanent(err) {
		t.Fatalf("one byte too many: error %v, want a permanent one", err)
	}
}

func FuzzDecodeEnvelope(f *testing.F) {
	for _, e := range []*layers.Envelope{{}, fullEnvelope()} {
		data, err := pipeline.AppendEnvelope(nil, e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := pipeline.DecodeEnvelope(data)
		if err != nil {
			return
		}
		again, err := pipeline.AppendEnvelope(nil, e)
		if err != nil {
			t.Skip("a situation that JSON can't write back, such as a year above 9999")
		}
		back, err := pipeline.DecodeEnvelope(again)
		if err != nil {
			t.Fatalf("own encoding does not decode: %v", err)
		}
		if e.Identity() != back.Identity() || e.Origin != back.Origin || !e.Time.Equal(back.Time) {
			t.Fatalf("round trip changed %+v to %+v", e, back)
		}
	})
}

func BenchmarkEnvelope(b *testing.B) {
	e := fullEnvelope()
	e.Findings.Situation = nil
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = pipeline.AppendEnvelope(buf[:0], e)
		if _, err := pipeline.DecodeEnvelope(buf); err != nil {
			b.Fatal(err)
		}
	}
}
