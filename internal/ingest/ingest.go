// Package ingest turns what senders send into signals: CloudEvents, JSON objects, text
// lines and numbers from NATS, and the bodies of HAL9's HTTP doors. docs/ingest.md says
// what is recognised and in which order.
//
// It promises three things. Any input gives either a signal or an error whose text tells
// a person what is wrong; it never panics. Every signal has a non-empty id, source, key
// and time, and all its parts are bounded. And the same NATS message gives the same
// signal each time it is delivered, filled-in id and time included.
package ingest

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/2lab-ai/hal9/layers"
)

// Item is one signal with what belongs to its journey and not to itself.
type Item struct {
	Signal      layers.Signal
	TraceParent string // a valid W3C traceparent, or empty
	FilledID    bool   // the sender gave no id: neither in the payload nor as Nats-Msg-Id
}

// Decoder turns bytes into signals. It is safe for concurrent use.
type Decoder struct {
	rules    []rule
	maxBytes int
	critical bool // a rule may make any signal critical
}

// New returns a decoder, or an error that names everything that is wrong with cfg.
func New(cfg Config) (*Decoder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &Decoder{maxBytes: cfg.MaxSignalBytes, critical: statesCritical(cfg.Sources)}
	for i := range cfg.Sources {
		d.rules = append(d.rules, newRule(&cfg.Sources[i]))
	}
	return d, nil
}

// origin is what the way a signal came says about it where the signal itself is silent.
type origin struct {
	source string
	time   time.Time
	trace  string
	id     string // what the transport says about the id (Nats-Msg-Id); may be empty
	stored bool   // from a stream: seq and time make an id
	seq    uint64
	again  string // the id of a redriven signal, which counts whatever its payload says; mostly empty
}

// draft is a signal under construction.
type draft struct {
	layers.Signal
	trace string
	hint  string // the key to use where neither the sender nor a rule names one
}

// finish fills in what is missing, applies the source's rule and checks every bound.
func (d *Decoder) finish(s *draft, o *origin) (Item, error) {
	item := Item{TraceParent: s.trace}
	if !ValidTraceParent(item.TraceParent) {
		item.TraceParent = o.trace
	}
	if s.Source == "" {
		s.Source = o.source
	}
	if s.Time.IsZero() {
		s.Time = o.time
		if t, ok := lineTime(s.Text, o.time); ok {
			s.Time = t
		}
	}
	s.Time = s.Time.UTC() // Also drops a monotonic clock reading.
	if s.ID == "" {
		id, made, err := o.newID()
		if err != nil {
			return Item{}, err
		}
		s.ID, item.FilledID = id, made
	}
	if o.again != "" {
		s.ID, item.FilledID = o.again, false
	}
	d.applyRule(s)
	if s.Key == "" {
		s.Key = s.hint
	}
	if s.Key == "" {
		s.Key = s.Source
	}
	if err := d.check(&s.Signal); err != nil {
		return Item{}, err
	}
	item.Signal = s.Signal
	return item, nil
}

func (o *origin) newID() (id string, made bool, err error) {
	if o.id != "" {
		return o.id, false, nil
	}
	if o.stored {
		return storedID(o.time, o.seq), true, nil
	}
	fresh, err := uuid.NewV7()
	if err != nil {
		return "", false, fmt.Errorf("ingest: making an id: %w", err)
	}
	return fresh.String(), true, nil
}
