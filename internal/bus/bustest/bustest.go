// Package bustest is the conformance suite of the pipeline's ports: what every Broker,
// Checkpoints and Leases must do, whatever lies beneath.
package bustest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/pipeline"
)

// Harness is an empty, provisioned bus with one partition per layer, for one test. Checkpoints and
// Leases stand for a process each time they are called.
type Harness struct {
	Broker      pipeline.Broker
	Checkpoints func(tb testing.TB) pipeline.Checkpoints
	Leases      func(tb testing.TB) pipeline.Leases
	LeaseTime   time.Duration // how long a lease outlives its holder
}

// Run runs the suite; open is called once for each test.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Harness){
		"KeyedSourceStartsBehindItsOffset": testOffset,
		"IdleSourceReturnsNothing":         testIdle,
		"SourceEndsWithItsContext":         testContext,
		"PublishTwiceStoresOnce":           testTwice,
		"PublishKeepsOrder":                testOrder,
		"StoredTellsLayersApart":           testStored,
		"StoredTellsStagesApart":           testStoredTogether,
		"CheckpointsComeBack":              testCheckpoint,
		"StaleOwnersAreFencedOut":          testFencing,
		"LeaseHasOneHolder":                testLease,
		"LeaseEndsWithItsContext":          testLeaseContext,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// take reads n messages.
func take(t *testing.T, source pipeline.Source, n int) []pipeline.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var got []pipeline.Delivery
	for len(got) < n {
		burst, err := source.Next(ctx, time.Second, 0)
		if err != nil {
			t.Fatalf("%d of %d messages came: %v", len(got), n, err)
		}
		got = append(got, burst...)
	}
	return got
}

// wantData requires that the messages hold these texts, in this order.
func wantData(t *testing.T, got []pipeline.Delivery, want ...string) {
	t.Helper()
	var texts []string
	for _, d := range got {
		texts = append(texts, string(d.Data))
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}
