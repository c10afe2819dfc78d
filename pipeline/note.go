package pipeline

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/2lab-ai/hal9/layers"
)

// NoteRecord returns the record that tells a partition of a keyed layer a note.
func NoteRecord(layer layers.Name, partition int, n *layers.Note) (Record, error) {
	if layer <= layers.NameL1 || layer > layers.NameL5 {
		return Record{}, fmt.Errorf("pipeline: a note to %s: want a keyed layer, L2 to L5", layer)
	}
	data, err := json.Marshal(n)
	if err != nil {
		return Record{}, fmt.Errorf("pipeline: note %s: %w", n.ID, err)
	}
	return Record{
		Subject: SubjectOf(layer, partition),
		ID:      "note." + StageName(layer, partition) + "." + n.ID,
		Header:  map[string]string{HeaderKind: KindNote},
		Data:    data,
	}, nil
}

// NoteRecords returns the records that tell all partitions of a keyed layer a note, that of
// critical signals included.
func NoteRecords(layer layers.Name, partitions int, n *layers.Note) ([]Record, error) {
	var records []Record
	for _, key := range StagesOf(layer, partitions) {
		record, err := NoteRecord(layer, key.Partition, n)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

// PlannedNote is what L3's correlator is told once L4 has a plan for a situation, so that the situation's later events say it, too.
func PlannedNote(s *layers.Situation) (*layers.Note, error) {
	data, err := json.Marshal(&layers.Situation{ID: s.ID, Revision: s.Revision, PlanID: s.PlanID, Recalled: s.Recalled})
	if err != nil {
		return nil, fmt.Errorf("pipeline: note on situation %s: %w", s.ID, err)
	}
	return &layers.Note{ID: plannedID(s), Kind: layers.NoteSituation, At: s.UpdatedAt, Data: data}, nil
}

// takeNote lets the layer hear a note. What is of no use is reported, and never stops the stage.
func (s *stage) takeNote(ctx context.Context, d *Delivery) {
	var n layers.Note
	err := json.Unmarshal(d.Data, &n)
	if err == nil {
		err = s.worker.hear(&n)
	}
	if err != nil {
		s.deps.Log.WarnContext(ctx, "note ignored", "stage", s.key.Name(), "seq", d.Seq, "note", n.ID, "error", err)
	}
}

func (w *layerWorker) hear(n *layers.Note) (err error) {
	listener, ok := w.layer.(layers.Listener)
	if !ok {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pipeline: layer %s panicked over a note: %v", w.key.Layer, r)
		}
	}()
	return listener.Hear(n)
}

func (w *tallyWorker) hear(*layers.Note) error { return nil }
