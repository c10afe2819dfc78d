// Package outcome tells L4 what became of the situations that it remembers: that one was closed, and what a person says of it. It
// tells by notes in the stream of the partition that has the situation, so that a replay hears them in the same place. (What became of a
// plan is told by whoever carried it out.)
//
// What happened is read through a durable consumer that all processes of L4 share, and told at least once: a message is done only when
// its note is stored, and a note that comes twice changes nothing.
package outcome

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
	"github.com/2lab-ai/hal9/pipeline"
)

// How many messages are told at once, how long one waits for the next, and how long after a failure.
const (
	tellMost  = 200
	tellIdle  = 2 * time.Second
	tellPause = 5 * time.Second
)

// Teller tells L4.
type Teller struct {
	bus *bus.Bus
	log *slog.Logger
	now func() time.Time
}

// New returns a teller.
func New(b *bus.Bus, log *slog.Logger, now func() time.Time) *Teller {
	return &Teller{bus: b, log: log, now: now}
}

// Run tells what happens until ctx ends.
func (t *Teller) Run(ctx context.Context) {
	from := bus.Durable{Stream: pipeline.StreamSituations, Name: pipeline.DurableOutcomes}
	for ctx.Err() == nil {
		batch, err := t.bus.Take(ctx, from, tellMost, tellIdle)
		if len(batch) > 0 {
			err = errors.Join(err, t.handOn(ctx, batch))
		}
		if err != nil && ctx.Err() == nil {
			t.log.WarnContext(ctx, "outcomes not told, trying again", "error", err)
			_ = pipeline.Pause(ctx, tellPause)
		}
	}
}

func (t *Teller) handOn(ctx context.Context, batch []bus.Taken) error {
	var records []pipeline.Record
	for i := range batch {
		o, ok := closed(batch[i].Data)
		if !ok {
			continue // Of no interest, or no HAL9's: anybody may publish there.
		}
		record, err := t.record(&o, fmt.Sprintf("outcome.%s.%d", batch[i].Subject, batch[i].Seq), batch[i].Stored)
		if err != nil {
			return err
		}
		records = append(records, record)
	}
	if len(records) > 0 {
		if err := t.bus.Publish(ctx, records); err != nil {
			return err
		}
	}
	var problems []error
	for i := range batch {
		problems = append(problems, batch[i].Done())
	}
	return errors.Join(problems...)
}

func (t *Teller) record(o *tactical.Outcome, id string, at time.Time) (pipeline.Record, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return pipeline.Record{}, fmt.Errorf("outcome: %s: %w", o.SituationID, err)
	}
	note := &layers.Note{ID: id, Kind: tactical.NoteOutcome, At: at.UTC(), Data: data}
	return pipeline.NoteRecord(layers.NameL4, pipeline.PartitionMemory, note)
}

// closed reads a situation that was closed.
func closed(data []byte) (o tactical.Outcome, ok bool) {
	var s layers.Situation
	if json.Unmarshal(data, &s) != nil || s.ID == "" || s.Event != layers.SituationClosed {
		return o, false
	}
	open := int64(max(0, s.ClosedAt.Sub(s.OpenedAt)) / time.Second)
	return tactical.Outcome{SituationID: s.ID, Closed: true, Open: open}, true
}

// ErrUnknown says that HAL9 has no such situation, or not any more.
var ErrUnknown = errors.New("outcome: no such situation")

// maxText bounds what a person says, bytes.
const maxText = 2000

// Say tells L4 what a person says of how a situation was dealt with. It returns the situation as it was announced last.
func (t *Teller) Say(ctx context.Context, situation string, word tactical.Word, text string) (*layers.Situation, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("outcome: the note has %d bytes: want at most %d", len(text), maxText)
	}
	last, err := t.find(ctx, situation)
	if err != nil {
		return nil, err
	}
	now := t.now()
	o := &tactical.Outcome{SituationID: last.ID, Word: word, Text: text, At: now.UnixMilli()}
	record, err := t.record(o, fmt.Sprintf("word.%s.%d", last.ID, now.UnixNano()), now)
	if err != nil {
		return nil, err
	}
	return last, t.bus.Publish(ctx, []pipeline.Record{record})
}

func (t *Teller) find(ctx context.Context, id string) (*layers.Situation, error) {
	var s layers.Situation
	found := false
	_, _, err := t.bus.FindLast(ctx, pipeline.StreamSituations, func(m *bus.Message) bool {
		var have layers.Situation
		if !strings.Contains(string(m.Data), id) || json.Unmarshal(m.Data, &have) != nil || have.ID != id {
			return false
		}
		s, found = have, true
		return true
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%w: %q (see the ids that `hal9 tail --kind situations` shows)", ErrUnknown, id)
	}
	return &s, nil
}
