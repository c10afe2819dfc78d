package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/web"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// SignalRecord returns the record that enters a signal into L1.
func SignalRecord(item *ingest.Item) (pipeline.Record, error) {
	data, err := ingest.Encode(&item.Signal)
	if err != nil {
		return pipeline.Record{}, err
	}
	record := pipeline.Record{
		Subject: pipeline.SubjectSignals + "." + ingest.SubjectToken(item.Signal.Source),
		ID:      pipeline.SignalID(item.Signal.Source, item.Signal.ID),
		Data:    data,
	}
	if item.TraceParent != "" {
		record.Header = map[string]string{pipeline.HeaderTraceParent: item.TraceParent}
	}
	return record, nil
}

// intake stores the signals that come over HTTP.
type intake struct{ app *App }

// errBehind is why signals are refused while there is room to store them.
var errBehind = errors.New("so many signals wait already that only critical ones are taken")

// comeBack is when a sender should try again at the latest, however far behind HAL9 is.
const comeBack = 30 * time.Second

// behind returns how long what waits for L1, and for the busier half of L2's partitions, will take.
func behind(pressure pipeline.Pressure, partitions int) time.Duration {
	waits := make([]time.Duration, max(1, partitions))
	for p := range waits {
		waits[p] = pressure.Behind(pipeline.StageKey{Layer: layers.NameL2, Partition: p, Partitions: partitions})
	}
	slices.Sort(waits)
	return pressure.Behind(pipeline.StageKey{Layer: layers.NameL1}) + waits[len(waits)/2]
}

func isCritical(item ingest.Item) bool { return item.Signal.Severity == layers.SeverityCritical }

// Submit implements web.Intake.
func (in intake) Submit(ctx context.Context, items []ingest.Item) ([]web.Receipt, error) {
	if wait := behind(in.app.pressures, in.app.partitions); wait > pipeline.BehindMuch && !slices.ContainsFunc(items, isCritical) {
		return nil, &bus.BusyError{Err: errBehind, After: min(wait/2, comeBack)}
	}
	records := make([]pipeline.Record, len(items))
	for i := range items {
		var err error
		if records[i], err = SignalRecord(&items[i]); err != nil {
			return nil, err
		}
	}
	stored, err := in.app.bus.Submit(ctx, records)
	var receipts []web.Receipt
	for i, s := range stored {
		if s.Seq > 0 {
			receipts = append(receipts, web.Receipt{ID: items[i].Signal.ID, Duplicate: s.Duplicate})
		}
	}
	if busy, ok := errors.AsType[*bus.BusyError](err); ok && len(receipts) > 0 {
		err = busy.Err // Some are stored, so it is no plain "come back later".
	}
	return receipts, err
}
