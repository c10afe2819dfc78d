package load

import (
	"encoding/json"
	"sync"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
)

// verdicts hands each verdict to the user who waits for it. It holds one entry for each
// user who waits, no more.
type verdicts struct {
	mu      sync.Mutex
	waiting map[string]chan layers.Disposition // by signal id
}

func newVerdicts() *verdicts { return &verdicts{waiting: make(map[string]chan layers.Disposition)} }

// expect returns a channel on which the verdict on a signal comes. The caller forgets it.
func (v *verdicts) expect(id string) <-chan layers.Disposition {
	arrived := make(chan layers.Disposition, 1)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waiting[id] = arrived
	return arrived
}

// forget takes back an expect.
func (v *verdicts) forget(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.waiting, id)
}

// visit hands on a verdict. What nobody waits for, and what is no verdict, is skipped: anybody
// may publish to the subject.
func (v *verdicts) visit(m *bus.Message) {
	var verdict struct {
		SignalID    string             `json:"signal_id"`
		Disposition layers.Disposition `json:"disposition"`
	}
	if json.Unmarshal(m.Data, &verdict) != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if arrived, ok := v.waiting[verdict.SignalID]; ok {
		arrived <- verdict.Disposition
		delete(v.waiting, verdict.SignalID)
	}
}
