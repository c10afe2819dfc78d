package implementation

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

type senderSnapshot struct {
	Source   string                `json:"source"`
	Signals  uint64                `json:"signals"`
	DecideAt uint64                `json:"decide_at,omitempty"`
	Chosen   string                `json:"chosen,omitempty"`
	Fields   []senderFieldSnapshot `json:"fields,omitempty"`
	Used     uint64                `json:"used"`
}

type senderFieldSnapshot struct {
	Path    string `json:"path"`
	Present uint64 `json:"present"`
	NewAt   uint64 `json:"new_at"`
	Digits  uint64 `json:"digits"`
	Values  []byte `json:"values"` // hashes of 8 bytes
}

// snapshot returns all senders, the one not heard of for longest first.
func (b *senders) snapshot() []senderSnapshot {
	var all []senderSnapshot
	for _, s := range b.known {
		shot := senderSnapshot{Source: s.source, Signals: s.signals, DecideAt: s.decideAt, Chosen: s.chosen, Used: s.used}
		for i := range s.fields {
			f := &s.fields[i]
			values := make([]byte, 0, 8*len(f.values))
			for _, value := range f.values {
				values = binary.BigEndian.AppendUint64(values, value)
			}
			shot.Fields = append(shot.Fields, senderFieldSnapshot{f.path, f.present, f.newAt, f.digits, values})
		}
		all = append(all, shot)
	}
	slices.SortFunc(all, func(a, b senderSnapshot) int { return cmp.Compare(a.Used, b.Used) })
	return all
}

func restoreSenders(all []senderSnapshot) (*senders, error) {
	b := newSenders()
	if len(all) > senderMost {
		return nil, fmt.Errorf("%d senders: want at most %d", len(all), senderMost)
	}
	for _, shot := range all {
		s, err := shot.restore()
		if err != nil {
			return nil, fmt.Errorf("sender %q: %w", shot.Source, err)
		}
		if b.known[s.source] != nil || s.used <= b.clock {
			return nil, fmt.Errorf("sender %q: twice, or not in the order of use", shot.Source)
		}
		b.known[s.source], b.clock = s, s.used
		b.order.touch(&s.place)
	}
	return b, nil
}

func (shot *senderSnapshot) restore() (*sender, error) {
	s := &sender{source: shot.Source, signals: shot.Signals, decideAt: shot.DecideAt, chosen: shot.Chosen, used: shot.Used}
	s.place.value = s
	if len(shot.Fields) > senderFields || s.chosen != "" && len(shot.Fields) != 1 || s.decideAt > 0 && s.decideAt <= s.signals {
		return nil, fmt.Errorf("%d fields, to be decided at %d of %d signals", len(shot.Fields), s.decideAt, s.signals)
	}
	for _, f := range shot.Fields {
		field := senderField{path: f.Path, present: f.Present, newAt: f.NewAt, digits: f.Digits}
		for values := f.Values; len(values) >= 8; values = values[8:] {
			field.values = append(field.values, binary.BigEndian.Uint64(values))
		}
		if len(field.values) == 0 || len(field.values) > senderAfter || !slices.IsSorted(field.values) {
			return nil, fmt.Errorf("field %q has broken values", f.Path)
		}
		s.fields = append(s.fields, field)
	}
	return s, nil
}
