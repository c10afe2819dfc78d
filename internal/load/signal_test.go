package load

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/layers"
)

// TestSignalsAreUnderstoodAtBothDoors sends what users send through HAL9's own decoder.
func TestSignalsAreUnderstoodAtBothDoors(t *testing.T) {
	decoder, err := ingest.New(ingest.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ids, keys := make(map[string]bool), make(map[string]bool)
	severities := make(map[layers.Severity]int)
	values, bytes := 0, 0
	for user := range 100 {
		sender := newSender("load-x", user, rand.New(rand.NewPCG(1, uint64(user))))
		for range 200 {
			sent := sender.next()
			record, err := sent.record()
			if err != nil {
				t.Fatal(err)
			}
			over, err := decoder.Message(ingest.Message{Subject: record.Subject, Data: record.Data, Seq: 1, Stored: now})
			if err != nil {
				t.Fatalf("%s: %v", record.Data, err)
			}
			posted, err := decoder.Body(ingest.FormatJSON, nil, record.Data, now)
			if err != nil || len(posted) != 1 {
				t.Fatalf("%s: %d signals, %v", record.Data, len(posted), err)
			}
			for _, got := range []layers.Signal{over.Signal, posted[0].Signal} {
				if got.ID != sent.ID || got.Source != sent.Source || got.Key != sent.Key || got.Severity != sent.Severity {
					t.Fatalf("%s is read as %+v", record.Data, got)
				}
				if !strings.HasPrefix(got.Source, sourcePrefix) || record.Subject != "hal9.signals."+got.Source {
					t.Fatalf("source %q on %s", got.Source, record.Subject)
				}
			}
			ids[sent.ID], keys[sent.Key] = true, true
			severities[sent.Severity]++
			bytes += len(record.Data)
			if sent.Value != nil {
				values++
			}
		}
	}
	if len(ids) != 100*200 || len(keys) < 70 {
		t.Errorf("%d ids, %d keys", len(ids), len(keys))
	}
	if values < 5000 || values > 10_000 {
		t.Errorf("%d of 20,000 are values", values)
	}
	if n := severities[layers.SeverityCritical]; n < 1 || n > 30 {
		t.Errorf("severities %v", severities)
	}
	if mean := bytes / 20_000; mean < 80 || mean > 200 {
		t.Errorf("a signal has %d bytes", mean)
	}
}
