package pipeline

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
)

// everything is an envelope in which each field says something.
func everything() *layers.Envelope {
	at := time.Date(2026, 11, 23, 8, 0, 0, 123456789, time.UTC)
	return &layers.Envelope{
		Signal: layers.Signal{
			ID: "id-1", Source: "nginx", Type: "log", Key: "web-1", Time: at, Severity: layers.SeverityError,
			Labels: map[string]string{"service": "shop", "zone": "a"}, Value: -0.5, HasValue: true, Text: "took 35ms", Data: []byte(`{"a":1}`),
		},
		Origin: 1 << 40, ReceivedAt: at.Add(time.Second), TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		Hops: []layers.Hop{{Layer: layers.NameL1, WaitUS: 12, ProcessUS: 3}, {Layer: layers.NameL2, WaitUS: 1 << 20, ProcessUS: 1}},
		Findings: layers.Findings{
			TemplateID: "t1", Template: "took <*>", Parameters: []string{"35ms"}, NewTemplate: true, Features: map[string]float64{"took_ms": 35, "value": -0.5},
			Classes: []layers.Class{{Label: "slow", Strength: 0.5, Flags: true}}, Mentions: []layers.Mention{{Kind: "host", Name: "web-1"}},
			Pulse: true, Anomaly: 0.75, Flagged: true, FlagReason: "far above", PlanID: "plan-1",
			Situation: &layers.Situation{ID: "sit-1", Event: layers.SituationOpened, Revision: 1, Severity: layers.SeverityError, OpenedAt: at, UpdatedAt: at, Members: 1},
			Marks:     []layers.Mark{{Of: "objective", Good: true, Value: 1.5, Labels: []string{"shop"}}},
			Evidence:  &layers.Evidence{Flag: "burst", Tuning: map[string]int64{"L2": 3}},
		},
	}
}

// TestEnvelopeFormatBelongsToItsVersion holds what is written against what earlier builds of the same version wrote, and reads what is kept
// of every version: streams hold such bytes during an upgrade.
func TestEnvelopeFormatBelongsToItsVersion(t *testing.T) {
	want := everything()
	now := filepath.Join("testdata", fmt.Sprintf("envelope.%d.hex", codecVersion))
	kept, err := os.ReadFile(now)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(encode(t, want)); got != strings.TrimSpace(string(kept)) {
		t.Errorf("the format of envelopes has changed: raise codecVersion, keep %s as it is and go on reading it; now it is\n%s", now, got)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "envelope.*.hex"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeEnvelope(data)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, envelope (-want +got):\n%s", name, err, diff)
		}
	}
}

// later returns a pack of so many signals whose envelopes have a version.
func later(t *testing.T, version byte, signals int) []byte {
	t.Helper()
	var p packer
	for i := range signals {
		envelope := encode(t, everything())
		envelope[0] = version
		p.add(Position{Seq: 9, Index: uint32(i)}, append(envelope, "what this build does not know"...))
	}
	return p.bytes(Sender{Layer: layers.NameL2, Born: 1})
}

// TestPackOfALaterBuildWaits gives a stage a pack that it can read, one of a later build and another one that it can read: the first
// is settled, the others wait, and nothing is dead.
func TestPackOfALaterBuildWaits(t *testing.T) {
	f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
	deliver := func(seq uint64, data []byte) Delivery {
		return Delivery{Stream: "HAL9_L3", Seq: seq, Stored: time.Now(), Data: data}
	}
	own := func(seq uint64, id string) Delivery {
		return deliver(seq, packOf(t, seq, &layers.Envelope{Signal: layers.Signal{ID: id, Source: "s", Key: "k", Text: "down"}}))
	}
	waits := deliver(2, later(t, codecVersion+1, 3))
	burst := []Delivery{own(1, "a"), waits, own(3, "b")}
	for range 2 { // Whoever has the stage next finds the same.
		err := f.settle(t.Context(), t.Context(), burst)
		if version, ok := errors.AsType[*VersionError](err); !ok || version.Seq != 2 || version.Version != codecVersion+1 {
			t.Fatalf("error %v, want one that says so of message 2", err)
		}
		burst = burst[1:]
	}
	if len(f.broker.records) != 1 || !strings.HasPrefix(f.broker.records[0].Subject, SubjectVerdicts+".L3.resolved") {
		t.Errorf("stored are %+v, want the verdict on the first signal", f.broker.records)
	}
	if !cmp.Equal(f.source.settled, []uint64{1}) || f.checkpoints.now.Offset != 1 {
		t.Errorf("%v is settled and the checkpoint is %d, want 1", f.source.settled, f.checkpoints.now.Offset)
	}
	_, err := Bury(&waits, Envelopes{}, Burial{Layer: layers.NameL3, Reason: errAway, Attempts: 3, Now: time.Now(), MaxRecordBytes: 1 << 20})
	if _, ok := errors.AsType[*VersionError](err); !ok {
		t.Errorf("it is buried: %v", err)
	}
}

// TestRubbishDoesNotWait gives bytes that no later build wrote: a stage must not stand still at them.
func TestRubbishDoesNotWait(t *testing.T) {
	mixed := packed([]entry{{Position{2, 0}, []byte{codecVersion + 1, 0}}, {Position{3, 0}, []byte{codecVersion + 2, 0}}})
	for name, data := range map[string][]byte{
		"an earlier version":     later(t, codecVersion-1, 2),
		"a byte too many":        append(later(t, codecVersion+1, 2), 0),
		"a byte too few":         later(t, codecVersion+1, 2)[:100],
		"no signals":             later(t, codecVersion+1, 0),
		"versions that differ":   mixed.bytes(Sender{Layer: layers.NameL2, Born: 1}),
		"a pack of a later form": append([]byte{packVersion + 1}, later(t, codecVersion+1, 2)[1:]...),
	} {
		f := newFakes(t, StageKey{Layer: layers.NameL3, Partitions: 1})
		if err := f.settle(t.Context(), t.Context(), []Delivery{{Stream: "HAL9_L3", Seq: 1, Stored: time.Now(), Data: data}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
