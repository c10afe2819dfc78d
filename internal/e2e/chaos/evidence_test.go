package chaos_test

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

var contentNames = map[content]string{
	contentLog: "log line", contentSample: "sample", contentAlert: "alert", contentCritical: "critical", contentHealth: "health check", contentPoison: "unreadable",
}

func ordinal(n uint32) string { return fmt.Sprintf("no. %d", n) }

// evidence is what lies in the streams after a run, and what is wrong with it.
type evidence struct {
	script     *script
	load       *load
	partitions int
	strikes    []strike
	found      *findings

	verdicts        int // messages in HAL9_VERDICTS
	missing, double int
	ends            []ending    // by signal
	storedAt        []time.Time // by signal, of its first verdict
	byEnd           map[string]int
	letters         int
	situations      map[string]*story
	plans           int
	courses         map[string]*course // of plans with actions
	target          *target            // that took their actions; nil where none did
	places          [stageCount][]place
	overtook        []bool // signals that came to L2 by the lane for critical ones, perhaps beside their partition
	inStream        [stageCount]int
	pairs           int // neighbours of which the order was compared
	first           []map[outlet]time.Time
}

func newEvidence(l *load, partitions int, strikes []strike) *evidence {
	n := len(l.script.key)
	e := &evidence{
		script: l.script, load: l, partitions: partitions, strikes: strikes, found: newFindings(),
		ends: make([]ending, n), overtook: make([]bool, n), storedAt: make([]time.Time, n), byEnd: map[string]int{}, situations: map[string]*story{},
		courses: map[string]*course{},
	}
	for stage := range e.places {
		e.places[stage] = make([]place, n)
	}
	for range strikes {
		e.first = append(e.first, map[outlet]time.Time{})
	}
	return e
}

func (e *evidence) partitionOf(i int) int { return partitionOf(e.script.keyOf(i), e.partitions) }

// collect reads everything and checks everything.
func (e *evidence) collect(ctx context.Context, js jetstream.JetStream) error {
	for _, read := range []func(context.Context, jetstream.JetStream) error{
		e.readVerdicts, e.readLetters, e.readSituations, e.readPlans, e.readPlaces,
	} {
		if err := read(ctx, js); err != nil {
			return err
		}
	}
	e.checkCount()
	e.checkSituations()
	e.checkActions()
	e.checkOrder()
	return nil
}
