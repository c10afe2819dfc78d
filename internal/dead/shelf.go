package dead

import (
	"context"
	"strconv"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/pipeline"
)

// Shelf reads the dead letters that there are.
type Shelf struct {
	bus   *bus.Bus
	marks *bus.Marks
	first uint64
	last  uint64 // newest when the shelf was opened: what comes later is not on it
}

// Open opens the shelf.
func Open(ctx context.Context, b *bus.Bus) (*Shelf, error) {
	first, last, err := b.Extent(ctx, pipeline.StreamDead)
	if err != nil {
		return nil, err
	}
	marks, err := b.Marks(ctx, pipeline.StreamDead)
	if err != nil {
		return nil, err
	}
	return &Shelf{bus: b, marks: marks, first: first, last: last}, nil
}

// Newest visits the letters that a filter lets through, newest first and without their data, until
// visit returns false. It holds a bounded number of them at a time.
func (s *Shelf) Newest(ctx context.Context, f Filter, visit func(*Letter) bool) error {
	first := s.begin(f)
	for end := s.last; end >= first; {
		start := max(first, end-min(end, blockLetters)+1)
		block, older, err := s.block(ctx, f, start, end)
		if err != nil {
			return err
		}
		for i := range block {
			if !visit(&block[len(block)-1-i]) {
				return nil
			}
		}
		if end = start - 1; older {
			return nil
		}
	}
	return nil
}

// blockLetters is how many letters are read at a time, as headers.
const blockLetters = 2000

// block reads letters between two sequences. older says that some were written before the filter's time,
// and so all before them.
func (s *Shelf) block(ctx context.Context, f Filter, start, end uint64) (block []Letter, older bool, err error) {
	window := bus.Window{Stream: pipeline.StreamDead, Subject: f.subject(), From: start, To: end, HeadersOnly: true}
	err = s.bus.Walk(ctx, window, func(m *bus.Message) bool {
		l := s.letter(m)
		older = older || l.Stored.Before(f.Since)
		if f.accepts(&l) && (f.Redriven || !l.Redriven) {
			block = append(block, l.shed())
		}
		return true
	})
	return block, older, err
}

func (s *Shelf) letter(m *bus.Message) Letter {
	l := NewLetter(m)
	l.Redriven = s.marks.Has(l.Seq)
	return l
}

// shed lets go of the headers: they may be large.
func (l *Letter) shed() Letter {
	l.Header = nil
	for _, text := range [...]*string{&l.Reason, &l.Source, &l.SignalID, &l.Stream, &l.RedriveOf, &l.Layer} {
		*text = bounded(*text)
	}
	return *l
}

// maxField bounds what a list keeps of a letter's header, bytes. HAL9's own are below that.
const maxField = 4096

// bounded returns a copy, so that what it was cut from can go.
func bounded(text string) string {
	return string([]byte(text[:min(len(text), maxField)]))
}

// begin returns the first sequence that a filter may let through: what was put back comes first, mostly,
// and need not be read.
func (s *Shelf) begin(f Filter) uint64 {
	if f.Redriven {
		return s.first
	}
	return s.marks.Unmarked(s.first)
}

// all visits the letters that a filter lets through, oldest first and without their data.
func (s *Shelf) all(ctx context.Context, f Filter, visit func(*Letter)) error {
	window := bus.Window{Stream: pipeline.StreamDead, Subject: f.subject(), From: s.begin(f), To: s.last, HeadersOnly: true}
	if window.To < window.From {
		return nil
	}
	if !f.Since.IsZero() {
		window.From, window.Since = 0, f.Since
	}
	return s.bus.Walk(ctx, window, func(m *bus.Message) bool {
		if l := s.letter(m); f.accepts(&l) && (f.Redriven || !l.Redriven) {
			visit(&l)
		}
		return true
	})
}

// Select returns the sequences of the letters that a filter lets through, oldest first.
func (s *Shelf) Select(ctx context.Context, f Filter) (seqs []uint64, err error) {
	err = s.all(ctx, f, func(l *Letter) { seqs = append(seqs, l.Seq) })
	return seqs, err
}

// Letter returns a letter with its data.
func (s *Shelf) Letter(ctx context.Context, seq uint64) (Letter, error) {
	m, ok, err := s.bus.MessageAt(ctx, pipeline.StreamDead, seq)
	if err != nil {
		return Letter{}, err
	}
	if !ok {
		return Letter{}, &NotFoundError{Name: strconv.FormatUint(seq, 10)}
	}
	return s.letter(&m), nil
}
