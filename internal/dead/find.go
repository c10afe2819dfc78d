package dead

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/2lab-ai/hal9/pipeline"
)

// NotFoundError says that there is no such letter.
type NotFoundError struct{ Name string }

func (e *NotFoundError) Error() string {
	return "dead: no letter " + e.Name + " in " + pipeline.StreamDead +
		": it names neither a letter's number nor the id of a dead signal, or the letter is older than what the stream keeps"
}

// AmbiguousError says that a name is that of several letters.
type AmbiguousError struct {
	Name string
	Seqs []uint64
}

func (e *AmbiguousError) Error() string {
	texts := make([]string, 0, ambiguousShown)
	for _, seq := range e.Seqs[:min(len(e.Seqs), ambiguousShown)] {
		texts = append(texts, strconv.FormatUint(seq, 10))
	}
	if len(e.Seqs) > ambiguousShown {
		texts = append(texts, "…")
	}
	return fmt.Sprintf("dead: %d letters are about %s: %s: say which by number", len(e.Seqs), e.Name, strings.Join(texts, ", "))
}

const ambiguousShown = 10

// idPrefix marks a name that is an id although it looks like a number.
const idPrefix = "id:"

// Find returns the sequences of the letters that names mean: a number is a letter's own, and so is
// anything else the id of its signal. All letters are looked at, once.
func (s *Shelf) Find(ctx context.Context, names ...string) ([]uint64, error) {
	var seqs []uint64
	byID := map[string][]uint64{}
	for _, name := range names {
		if seq, err := strconv.ParseUint(name, 10, 64); err == nil {
			seqs = append(seqs, seq)
			continue
		}
		byID[strings.TrimPrefix(name, idPrefix)] = nil
	}
	if err := s.findNumbers(ctx, seqs); err != nil {
		return nil, err
	}
	if len(byID) > 0 {
		if err := s.findIDs(ctx, byID); err != nil {
			return nil, err
		}
	}
	for id, found := range byID {
		switch len(found) {
		case 0:
			return nil, &NotFoundError{Name: id}
		case 1:
			seqs = append(seqs, found[0])
		default:
			return nil, &AmbiguousError{Name: id, Seqs: found}
		}
	}
	slices.Sort(seqs)
	return slices.Compact(seqs), nil
}

func (s *Shelf) findNumbers(ctx context.Context, seqs []uint64) error {
	for _, seq := range seqs {
		if seq < s.first || seq > s.last {
			return &NotFoundError{Name: strconv.FormatUint(seq, 10)}
		}
		if _, err := s.Letter(ctx, seq); err != nil {
			return err
		}
	}
	return nil
}

func (s *Shelf) findIDs(ctx context.Context, byID map[string][]uint64) error {
	return s.all(ctx, Filter{Redriven: true}, func(l *Letter) {
		if found, ok := byID[l.SignalID]; ok && len(found) < maxFound {
			byID[bounded(l.SignalID)] = append(found, l.Seq)
		}
	})
}

// maxFound bounds how many letters of one id are noted.
const maxFound = 1000
