package dead

import (
	"context"
	"slices"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

// What is taken at a time. It lies in memory, once as a letter and once as an attempt.
const (
	parcelLetters = 500
	parcelSpan    = 2000 // sequences that may lie between the first and the last
	parcelBytes   = 8 << 20
)

// state says what is to be done about a letter.
type state uint8

const (
	stateReady  state = iota + 1 // to be put back
	stateStored                  // put back by this run, which lost sight of it for a while
	stateBefore                  // put back by an earlier run
	stateGone                    // not in the stream any more
	stateFailed                  // can't be put back
)

// parcel is a letter of the rest, looked at.
type parcel struct {
	seq     uint64
	state   state
	attempt Attempt // where ready
	err     error   // where failed
}

// take reads the next letters of the rest: at least one of them, and no more than fit into memory.
func (d *drive) take(ctx context.Context) ([]parcel, error) {
	next := d.rest[:min(len(d.rest), parcelLetters)]
	for next[len(next)-1]-next[0] > parcelSpan {
		next = next[:len(next)/2]
	}
	read, bytes := make(map[uint64]parcel, len(next)), 0
	covered := next[len(next)-1]
	window := bus.Window{Stream: pipeline.StreamDead, From: next[0], To: covered}
	err := d.redrive.Bus.Walk(ctx, window, func(m *bus.Message) bool {
		if _, wanted := slices.BinarySearch(next, m.Seq); wanted {
			read[m.Seq] = d.look(m)
			bytes += len(m.Data)
		}
		if bytes >= parcelBytes {
			covered = m.Seq
		}
		return bytes < parcelBytes
	})
	if err != nil {
		return nil, err
	}
	var parcels []parcel
	for _, seq := range next {
		if seq > covered {
			break
		}
		p, ok := read[seq]
		if !ok {
			p = parcel{seq: seq, state: stateGone}
		}
		parcels = append(parcels, p)
	}
	return parcels, nil
}

// look says what is to be done about a letter.
func (d *drive) look(m *bus.Message) parcel {
	if d.marks.Has(m.Seq) {
		if _, sent := d.flying[m.Seq]; sent {
			return parcel{seq: m.Seq, state: stateStored}
		}
		return parcel{seq: m.Seq, state: stateBefore}
	}
	letter := NewLetter(m)
	attempt, err := d.redrive.Planner.Plan(&letter)
	if err != nil {
		return parcel{seq: m.Seq, state: stateFailed, err: err}
	}
	return parcel{seq: m.Seq, state: stateReady, attempt: attempt}
}
