package pipeline

import (
	"context"
	"maps"
	"time"
)

// replay knows what is stored already of what follows from messages that may have been worked on before, by an
// earlier life of a keyed stage or by any process of L1, so that working on them again stores no result
// twice, however long that was ago.
type replay struct {
	shared  bool
	horizon uint64              // up to here a message may have been worked on before
	stored  map[string]struct{} // ids of what is stored; nil where nothing is in doubt
	since   time.Time           // everything that was stored since then is known,
	upTo    Ledger              // as far as the streams were filled at the last look
}

// missing returns the records that are not stored yet.
func (r *replay) missing(d *Delivery, records []Record) []Record {
	known := r.known(d)
	if len(known) == 0 {
		return records
	}
	var left []Record
	for _, record := range records {
		if _, ok := known[record.ID]; !ok {
			left = append(left, record)
		}
	}
	return left
}

// handled reports whether L1 has answered the signal or handed it up before.
func (r *replay) handled(d *Delivery, who *identity) bool {
	known := r.known(d)
	if len(known) == 0 {
		return false
	}
	if _, up := known[string(who[:idBytes])]; up {
		return true
	}
	_, answered := known[who.text()]
	return answered
}

func (r *replay) known(d *Delivery) map[string]struct{} {
	if r.doubtful(d) {
		return r.stored
	}
	if !r.shared {
		r.stored = nil // Nothing from here on was worked on before.
	}
	return nil
}

// doubtful reports whether a message may have been worked on before.
func (r *replay) doubtful(d *Delivery) bool {
	return d.Seq <= r.horizon || r.shared && d.Attempt > 1
}

// refresh brings what is known about a burst of L1 up to now: since the last look another process, or this one, may have
// stored what follows from a message that the broker delivers again.
func (r *replay) refresh(ctx context.Context, burst []Delivery, margin time.Duration, broker Broker, key StageKey) error {
	var oldest time.Time
	for i := range burst {
		if d := &burst[i]; r.doubtful(d) && (oldest.IsZero() || d.Stored.Before(oldest)) {
			oldest = d.Stored
		}
	}
	if oldest.IsZero() {
		r.stored = nil
		return nil
	}
	since, behind := oldest.Add(-margin), r.upTo
	anew := r.stored == nil || since.Before(r.since)
	if anew {
		behind = nil
	}
	stored, upTo, err := broker.Stored(ctx, key.Layer, behind, since)
	if err != nil {
		return err
	}
	if anew {
		r.stored, r.since = stored, since
	} else {
		maps.Copy(r.stored, stored)
	}
	r.upTo = upTo
	return nil
}
