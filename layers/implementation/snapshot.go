package implementation

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// snapshotVersion changes with the masks too: templates mined under others match no line.
const snapshotVersion = 1

type snapshot struct {
	Version int              `json:"version"`
	Clock   uint64           `json:"clock"`
	Sources []sourceSnapshot `json:"sources"` // by name
	Senders []senderSnapshot `json:"senders,omitempty"`
	Pulses  []pulseSnapshot  `json:"pulses,omitempty"`
	Tunings *layers.Tunings  `json:"tunings,omitempty"` // nil where nothing was tuned
}

type sourceSnapshot struct {
	Name      string             `json:"name"`
	Born      uint64             `json:"born"`
	Used      uint64             `json:"used"`
	Templates []templateSnapshot `json:"templates"` // in the order of creation
}

type templateSnapshot struct {
	ID     string `json:"id"`
	Text   string `json:"text"`
	Consts int    `json:"consts"`
	Wild   int    `json:"wild"`
	Seen   uint64 `json:"seen"`
	Born   uint64 `json:"born"`
	Used   uint64 `json:"used"`
}

// Snapshot returns all templates as JSON; the same state gives the same bytes.
func (l *Layer) Snapshot() ([]byte, error) {
	s := snapshot{Version: snapshotVersion, Clock: l.library.clock, Sources: []sourceSnapshot{}}
	for _, m := range l.library.miners {
		s.Sources = append(s.Sources, m.snapshot())
	}
	slices.SortFunc(s.Sources, func(a, b sourceSnapshot) int { return cmp.Compare(a.Name, b.Name) })
	s.Senders, s.Pulses = l.senders.snapshot(), l.pulse.snapshot()
	if l.tunings.Live.Version > 0 || l.tunings.Shadow != nil {
		s.Tunings = &l.tunings
	}
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false) // Templates are full of holes: escaped they are thrice as long.
	if err := encoder.Encode(s); err != nil {
		return nil, fmt.Errorf("implementation: snapshot: %w", err)
	}
	return bytes.TrimSuffix(data.Bytes(), []byte("\n")), nil
}

func (m *miner) snapshot() sourceSnapshot {
	s := sourceSnapshot{Name: m.source, Born: m.born, Used: m.used}
	for _, leaf := range m.leaves {
		for _, t := range leaf {
			s.Templates = append(s.Templates, templateSnapshot{
				ID: t.id, Text: t.text, Consts: t.consts, Wild: t.wild, Seen: t.seen, Born: t.born, Used: t.used,
			})
		}
	}
	slices.SortFunc(s.Templates, func(a, b templateSnapshot) int { return cmp.Compare(a.Born, b.Born) })
	return s
}

// Restore takes over what Snapshot returned. Where the bounds have become lower, what was not
// used for longest is forgotten. On an error nothing has changed.
func (l *Layer) Restore(data []byte) error {
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("implementation: restore: %w", err)
	}
	if s.Version != snapshotVersion {
		return fmt.Errorf("implementation: restore: snapshot of version %d: want %d", s.Version, snapshotVersion)
	}
	restored := newLibrary(l.library.cfg)
	restored.clock = s.Clock
	slices.SortFunc(s.Sources, func(a, b sourceSnapshot) int { return cmp.Compare(a.Used, b.Used) })
	for _, source := range s.Sources {
		m, err := l.restoreMiner(source)
		if err != nil {
			return fmt.Errorf("implementation: restore source %q: %w", source.Name, err)
		}
		if restored.miners[m.source] != nil {
			return fmt.Errorf("implementation: restore source %q: twice", source.Name)
		}
		restored.miners[m.source] = m
		restored.total += m.count
		restored.order.touch(&m.place)
		restored.forget()
	}
	senders, err := restoreSenders(s.Senders)
	if err != nil {
		return fmt.Errorf("implementation: restore: %w", err)
	}
	pulses := &pulse{}
	if !pulses.restore(s.Pulses) {
		return errors.New("implementation: restore: impossible pulses")
	}
	l.pulse = pulses
	var tunings layers.Tunings
	if s.Tunings != nil {
		tunings = *s.Tunings
	}
	l.take(tunings)
	l.library, l.senders = restored, senders
	return nil
}

func (l *Layer) restoreMiner(s sourceSnapshot) (*miner, error) {
	if len(s.Templates) == 0 {
		return nil, errors.New("no templates")
	}
	m := newMiner(s.Name)
	m.born, m.used = s.Born, s.Used
	slices.SortFunc(s.Templates, func(a, b templateSnapshot) int { return cmp.Compare(a.Used, b.Used) })
	for _, k := range s.Templates {
		tokens := strings.Split(k.Text, " ")
		if k.ID == "" || k.Used == 0 || slices.Contains(tokens, "") || len(tokens) > maxTokens {
			return nil, errors.New("a template without id or use, or with a broken text")
		}
		t := &template{
			id: k.ID, text: k.Text, tokens: tokens, consts: k.Consts, wild: k.Wild, seen: k.Seen, born: k.Born, used: k.Used,
			hashes: make([]uint64, len(tokens)), kinds: make([]kind, len(tokens)),
		}
		for i, word := range tokens {
			t.hashes[i], t.kinds[i] = hashBytes([]byte(word)), kindOf(l.line.words, word)
		}
		t.place.value = t
		m.index(t)
		m.order.touch(&t.place)
		m.count++
	}
	return m, nil
}
