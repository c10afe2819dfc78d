package bus

import (
	"errors"
	"slices"
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

// TestAnswerSaysHowMuchOfABatchIsStored reads what a server answers to three messages in one stream and one in another.
func TestAnswerSaysHowMuchOfABatchIsStored(t *testing.T) {
	verdict := pipeline.SubjectVerdicts + ".L1.resolved"
	records := []pipeline.Record{{Subject: verdict, ID: "0"}, {Subject: "hal9.l2.0", ID: "1"}, {Subject: verdict, ID: "2"}, {Subject: verdict, ID: "3"}}
	const stored = `{"stream":"HAL9_L2","seq":1}`
	for name, c := range map[string]struct {
		answers [2]string
		left    []string
		busy    bool
	}{
		"all":                {[2]string{`{"stream":"HAL9_VERDICTS","seq":9,"batch":"b","count":3}`, stored}, nil, false},
		"a batch that ended": {[2]string{`{"stream":"HAL9_VERDICTS","seq":8,"batch":"b","count":2}`, stored}, []string{"3"}, false},
		"a refused batch":    {[2]string{`{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"}}`, stored}, []string{"0", "2", "3"}, true},
		"a refused message": {
			[2]string{`{"stream":"HAL9_VERDICTS","seq":9,"batch":"b","count":3}`, `{"error":{"code":500,"err_code":10023}}`},
			[]string{"1"},
			true,
		},
		"no JSON": {[2]string{"what?", stored}, []string{"0", "2", "3"}, false},
	} {
		a := &answers{prefix: "inbox.", calls: map[uint64]*call{}, filled: pipeline.Ledger{}}
		call := a.begin()
		call.group(records)
		busy := false
		for at, text := range c.answers {
			call.answered(call.number, at, &nats.Msg{Data: []byte(text)})
			_, isBusy := errors.AsType[*BusyError](publishError(call.groups[at].err))
			busy = busy || isBusy
		}
		var left []string
		for _, record := range call.left(records) {
			left = append(left, record.ID)
		}
		if !slices.Equal(left, c.left) || busy != c.busy {
			t.Errorf("%s: %q are left and it is busy: %t, want %q and %t", name, left, busy, c.left, c.busy)
		}
	}
}
