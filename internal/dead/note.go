package dead

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// note says which letters are being put back, and how what becomes of them can be found.
type note struct {
	Target  layers.Name  `json:"target"`
	Letters []noteLetter `json:"letters"`
}

type noteLetter struct {
	Seq uint64   `json:"seq"`
	IDs []string `json:"ids"`
}

func newNote(target layers.Name, batch []Attempt) note {
	n := note{Target: target, Letters: make([]noteLetter, len(batch))}
	for i := range batch {
		n.Letters[i] = noteLetter{batch[i].Seq, batch[i].IDs}
	}
	return n
}

// noteMargin is how far the clocks of servers may differ.
const noteMargin = 10 * time.Second

// recover marks what an interrupted life has stored and not marked any more. What is neither in the
// streams from the target up nor among the verdicts was not stored.
func (d *drive) recover(ctx context.Context) error {
	raw, at, err := d.marks.Note(ctx)
	if err != nil || len(raw) == 0 {
		return err
	}
	var n note
	if err := json.Unmarshal(raw, &n); err != nil {
		return fmt.Errorf("dead: the note of an earlier redrive can't be read: is it of a newer version? %w", err)
	}
	ids := map[string]struct{}{}
	var open []noteLetter
	for _, letter := range n.Letters {
		if d.marks.Has(letter.Seq) {
			continue
		}
		open = append(open, letter)
		for _, id := range letter.IDs {
			ids[id] = struct{}{}
		}
	}
	if len(open) == 0 {
		return nil
	}
	streams := append(streamsFrom(n.Target, d.redrive.Planner.Partitions), pipeline.StreamVerdicts)
	seen, err := d.redrive.Bus.Seen(ctx, streams, at.Add(-noteMargin), ids)
	if err != nil {
		return err
	}
	return d.markSeen(ctx, open, seen)
}

func (d *drive) markSeen(ctx context.Context, open []noteLetter, seen map[string]struct{}) error {
	var stored []uint64
	for _, letter := range open {
		for _, id := range letter.IDs {
			if _, ok := seen[id]; ok {
				stored = append(stored, letter.Seq)
				break
			}
		}
	}
	d.redrive.Report.Say(fmt.Sprintf("%d letters were under way when a redrive was interrupted: %d of them are stored", len(open), len(stored)))
	if len(stored) == 0 {
		return nil
	}
	return d.marks.Add(ctx, stored...)
}

// streamsFrom lists the streams of a layer and those above it.
func streamsFrom(layer layers.Name, partitions int) (streams []string) {
	for _, name := range layers.Names() {
		for p := range partitions {
			if name < layer || name == layers.NameL1 && p > 0 {
				break
			}
			streams = append(streams, pipeline.StreamOf(name, p, partitions))
		}
	}
	return streams
}
