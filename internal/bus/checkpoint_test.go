package bus_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// TestCheckpointSaysHowFarResultsWereFilled saves behind some results, and in the middle of a replay, whose ledger stays.
func TestCheckpointSaysHowFarResultsWereFilled(t *testing.T) {
	b, _ := provisioned(t, bus.DefaultTopology())
	checkpoints, err := b.Checkpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verdict := pipeline.SubjectOfVerdict(layers.NameL3, layers.DispositionResolved)
	results := []pipeline.Record{{Subject: verdict, ID: "a"}, {Subject: verdict, ID: "b"}, {Subject: pipeline.SubjectSituations + ".opened", ID: "c"}}
	if err := b.Publish(t.Context(), results); err != nil {
		t.Fatal(err)
	}
	revision := uint64(0)
	for _, c := range []struct{ ledger, want pipeline.Ledger }{
		{nil, pipeline.Ledger{pipeline.StreamVerdicts: 2, pipeline.StreamSituations: 1}},
		{pipeline.Ledger{pipeline.StreamVerdicts: 1}, pipeline.Ledger{pipeline.StreamVerdicts: 1}},
	} {
		if revision, err = checkpoints.Save(t.Context(), "L3.00", pipeline.Checkpoint{Offset: 1, Ledger: c.ledger, Revision: revision}); err != nil {
			t.Fatal(err)
		}
		got, err := checkpoints.Load(t.Context(), "L3.00")
		if diff := cmp.Diff(c.want, got.Ledger); err != nil || diff != "" {
			t.Errorf("%v, ledger (-want +got):\n%s", err, diff)
		}
	}
}
