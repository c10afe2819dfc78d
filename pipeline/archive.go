package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/2lab-ai/hal9/layers"
)

// SubjectOfItem returns hal9.memory.<layer>.<p>.<name>; with the name "*" those of all items of a partition.
func SubjectOfItem(layer layers.Name, partition int, name string) string {
	return fmt.Sprintf("%s.%s.%d.%s", SubjectMemory, layer, partition, name)
}

// changed returns the records of the items that changed in the layer's state.
func (w *layerWorker) changed() []Record {
	archiver, ok := w.layer.(layers.Archiver)
	if !ok {
		return nil
	}
	var records []Record
	for _, item := range archiver.Changed() {
		records = append(records, Record{Subject: SubjectOfItem(w.key.Layer, w.key.Partition, item.Name), Data: item.Data})
	}
	return records
}

// recover gives the layer back the items of its state. Nothing is stored of a stage that has no checkpoint, or all of it is ahead.
func (w *layerWorker) recover(ctx context.Context) error {
	archiver, ok := w.layer.(layers.Archiver)
	if !ok {
		return nil
	}
	var failed error
	err := archiver.Recover(func(yield func(layers.Item) bool) {
		failed = w.deps.Broker.Items(ctx, w.key, yield)
	})
	return errors.Join(failed, err)
}

func (w *tallyWorker) changed() []Record { return nil }

func (w *tallyWorker) recover(context.Context) error { return nil }
