package bus

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/2lab-ai/hal9/pipeline"
)

// TestLateAnswerIsNotTakenForAnothersOwn uses a call again while an answer to its former use is being read: what the next one
// stores is not stored yet.
func TestLateAnswerIsNotTakenForAnothersOwn(t *testing.T) {
	a := &answers{prefix: "inbox.", calls: map[uint64]*call{}, filled: pipeline.Ledger{}}
	records := []pipeline.Record{{Subject: pipeline.SubjectVerdicts + ".L1.resolved", ID: "v"}}
	stored := &nats.Msg{Data: []byte(`{"stream":"HAL9_VERDICTS","seq":7}`)}
	c := a.begin()
	former := c.number
	c.group(records)
	if _, seq := c.answered(former, 0, stored); seq != 7 || len(c.left(records)) != 0 {
		t.Fatalf("stored at %d with %d records left, want 7 and none", seq, len(c.left(records)))
	}
	c.start(former + 1)
	c.group(records)
	if _, seq := c.answered(former, 0, stored); seq != 0 || len(c.left(records)) != 1 {
		t.Errorf("a late answer says that it is stored at %d and %d records are left, want nothing of it", seq, len(c.left(records)))
	}
	if _, seq := c.answered(former+1, 0, stored); seq != 7 || len(c.left(records)) != 0 {
		t.Errorf("stored at %d with %d records left, want 7 and none", seq, len(c.left(records)))
	}
}
