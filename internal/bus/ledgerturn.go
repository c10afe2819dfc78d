package bus

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// ledgerQuestion is what a stage wants to know of its layer's ledger, and the answer.
type ledgerQuestion struct {
	behind pipeline.Ledger
	since  time.Time // for streams that behind does not name

	mu   sync.Mutex // guards ids and upTo until it is answered
	ids  map[string]struct{}
	upTo pipeline.Ledger
	err  error
	done chan struct{} // closed when it is answered
}

func newLedgerQuestion(behind pipeline.Ledger, since time.Time) *ledgerQuestion {
	return &ledgerQuestion{behind: behind, since: since, ids: map[string]struct{}{}, upTo: pipeline.Ledger{}, done: make(chan struct{})}
}

func (q *ledgerQuestion) isDone() bool {
	select {
	case <-q.done:
		return true
	default:
		return false
	}
}

// ledgerTurns has the stages of a layer read its ledger one after the other, each for all that have asked meanwhile: a dozen readings at the
// same time, each of all that the whole layer has stored lately, took a new owner three seconds.
type ledgerTurns struct {
	turn chan struct{} // holds something while nobody reads

	mu      sync.Mutex
	waiting []*ledgerQuestion
}

func newLedgerTurns() map[layers.Name]*ledgerTurns {
	all := map[layers.Name]*ledgerTurns{}
	for _, layer := range layers.Names() {
		all[layer] = &ledgerTurns{turn: make(chan struct{}, 1)}
		all[layer].turn <- struct{}{}
	}
	return all
}

// ask returns when the question is answered, by this caller or by another. What read answers with counts as read after it was called.
func (t *ledgerTurns) ask(ctx context.Context, q *ledgerQuestion, read func(context.Context, []*ledgerQuestion) error) error {
	t.enter(q)
	defer t.leave(q)
	select {
	case <-q.done:
		return q.err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.turn:
	}
	defer func() { t.turn <- struct{}{} }()
	for !q.isDone() {
		batch := t.next()
		err := read(ctx, batch)
		if err != nil && ctx.Err() != nil { // The others have time left.
			t.enter(batch...)
			return context.Cause(ctx)
		}
		for _, each := range batch {
			each.err = err
			close(each.done)
		}
	}
	return q.err
}

func (t *ledgerTurns) enter(questions ...*ledgerQuestion) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, questions...)
}

func (t *ledgerTurns) leave(q *ledgerQuestion) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = slices.DeleteFunc(t.waiting, func(other *ledgerQuestion) bool { return other == q })
}

// ledgerAlike is how many verdicts further back a question may reach than the one that needs least, to be answered with it. A partition to which
// nothing came for long has an old checkpoint, and must not make the others wait.
const ledgerAlike = 20_000

// next takes the questions that need least.
func (t *ledgerTurns) next() (batch []*ledgerQuestion) {
	t.mu.Lock()
	defer t.mu.Unlock()
	newest := uint64(0)
	for _, q := range t.waiting {
		newest = max(newest, q.behind[pipeline.StreamVerdicts])
	}
	t.waiting = slices.DeleteFunc(t.waiting, func(q *ledgerQuestion) bool {
		isAlike := q.behind[pipeline.StreamVerdicts]+ledgerAlike >= newest
		if isAlike {
			batch = append(batch, q)
		}
		return isAlike
	})
	return batch
}

// alike divides questions into those that know from which message of a stream on, and those that know since when.
func alike(batch []*ledgerQuestion, stream string) (lists [][]*ledgerQuestion) {
	var bySeq, byTime []*ledgerQuestion
	for _, q := range batch {
		if _, known := q.behind[stream]; known {
			bySeq = append(bySeq, q)
		} else {
			byTime = append(byTime, q)
		}
	}
	for _, list := range [...][]*ledgerQuestion{bySeq, byTime} {
		if len(list) > 0 {
			lists = append(lists, list)
		}
	}
	return lists
}

// earliest returns where to begin for all of some questions that are alike.
func earliest(list []*ledgerQuestion, stream string) (behind pipeline.Ledger, since time.Time) {
	since = list[0].since
	for _, q := range list {
		if q.since.Before(since) {
			since = q.since
		}
		if seq, known := q.behind[stream]; known && (behind == nil || seq < behind[stream]) {
			behind = pipeline.Ledger{stream: seq}
		}
	}
	return behind, since
}

// inform notes a message in the answer to each question that is about it.
func inform(list []*ledgerQuestion, stream string, msg jetstream.Msg) error {
	meta, err := msg.Metadata()
	if err != nil {
		return err
	}
	ids := pipeline.IdentitiesIn(msg.Headers())
	if id := msg.Headers().Get(jetstream.MsgIDHeader); id != "" {
		ids = append(ids, id)
	}
	for _, q := range list {
		seq, known := q.behind[stream]
		if known && meta.Sequence.Stream <= seq || !known && meta.Timestamp.Before(q.since) {
			continue
		}
		q.know(ids)
	}
	return nil
}

func (q *ledgerQuestion) know(ids []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		q.ids[id] = struct{}{}
	}
}

func (q *ledgerQuestion) reach(stream string, last uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.upTo[stream] = last
}
