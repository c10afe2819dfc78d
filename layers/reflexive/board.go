package reflexive

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Board is what the processes of L1 and the people on call tell each other: silences, acknowledgements, and which
// alerts fire or flap. Each process has one and keeps it up to date from a bucket: Hear takes in what stands there,
// Changes returns what is to be put there. It is safe for concurrent use. What it answers with, Policy, is read
// without waiting.
type Board struct {
	compiler compiler
	window   int64 // microseconds
	flaps    Flapping
	policy   atomic.Pointer[policy]
	behind   *Board // of a scout's board: L1's, from which it takes rules and what people said; nil otherwise

	mu         sync.Mutex
	silences   map[string]silence
	acks       map[digest]Ack
	conditions *recent[condition]
	sources    map[digest]map[digest]struct{} // by group, the conditions that fire
	dirty      map[digest]struct{}            // conditions that the others must hear of
	ended      []endedAck                     // acknowledgements that are over
	counts     map[string]uint64              // what was suppressed by each silence, acknowledgement, …
	counted    bool                           // counts changed since they were told
	others     map[string]map[string]uint64   // counts of other processes
}

// Bounds of the board, beside those of its parts.
const (
	maxRemembered = 256     // bytes of a name in a condition
	maxRecord     = 8 << 10 // bytes of an entry
	maxCounts     = 2000    // things that are counted
	maxProcesses  = 200     // whose counts are known
	maxDirty      = 20_000  // conditions that wait to be told; what changes beyond is known here alone
)

// The entries of the bucket: what kind, and which.
const (
	entrySilence   = "silence."
	entryAck       = "ack."
	entryCondition = "alert."
	entryCounts    = "counts."
)

// NewBoard returns a board that knows nothing yet but the rules and inhibitions of a valid cfg.
func NewBoard(cfg Config, compile layers.Compiler[layers.Signal]) (*Board, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Board{
		compiler: compiler{compile, cfg.Scope}, window: cfg.AlertWindow.Microseconds(), flaps: cfg.Flapping,
		silences: map[string]silence{}, acks: map[digest]Ack{}, conditions: newRecent[condition](cfg.DedupEntries),
		sources: map[digest]map[digest]struct{}{}, dirty: map[digest]struct{}{}, counts: map[string]uint64{},
		others: map[string]map[string]uint64{},
	}
	p, err := newPolicy(&cfg, &b.compiler)
	if err != nil {
		return nil, err
	}
	b.policy.Store(p)
	b.conditions.dropped = b.forget
	return b, nil
}

// rules returns the rules, inhibitions and silences of now.
func (b *Board) rules() *policy {
	if b.behind != nil {
		b = b.behind
	}
	return b.policy.Load()
}

// Hear takes in an entry of the bucket; data is nil where it was deleted. What can't be understood is an error and
// changes nothing.
func (b *Board) Hear(entry string, data []byte) error {
	if len(data) > maxRecord && !strings.HasPrefix(entry, entryCounts) {
		return fmt.Errorf("reflexive: entry %s: %d bytes, %d are allowed", clip(entry), len(data), maxRecord)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	kind, id, _ := strings.Cut(entry, ".")
	switch kind + "." {
	case entrySilence:
		return b.hearSilence(id, data)
	case entryAck:
		return b.hearAck(id, data)
	case entryCondition:
		return b.hearCondition(id, data)
	case entryCounts:
		return b.hearCounts(id, data)
	default:
		return fmt.Errorf("reflexive: entry %s: want %s, %s, %s or %s and a name", clip(entry), entrySilence, entryAck, entryCondition, entryCounts)
	}
}

// hearCondition merges what another process saw, or this one in an earlier life.
func (b *Board) hearCondition(id string, data []byte) error {
	key, ok := parseDigest(id)
	if !ok {
		return fmt.Errorf("reflexive: alert %s: its name is no condition", clip(id))
	}
	if data == nil {
		return nil // It was not seen for long: whoever still knows it forgets it, too.
	}
	var other condition
	if err := json.Unmarshal(data, &other); err != nil {
		return fmt.Errorf("reflexive: alert %s: %w", clip(id), err)
	}
	if err := other.validate(); err != nil {
		return fmt.Errorf("reflexive: alert %s: %w", clip(id), err)
	}
	known := b.conditions.get(key)
	if known == nil {
		known = b.conditions.put(key, condition{})
	}
	was := known.Groups
	if known.merge(&other, &b.flaps) {
		b.tell(key)
	}
	b.regroup(key, was, known)
	if a, ok := b.acks[key]; ok && a.ended(known) {
		b.unack(key)
	}
	return nil
}

func (c *condition) validate() error {
	switch {
	case len(c.Source) > maxRemembered || len(c.Key) > maxRemembered || len(c.Name) > maxRemembered:
		return fmt.Errorf("a name has more than %d bytes", maxRemembered)
	case len(c.Changes) > maxChanges || len(c.Groups) > MaxInhibit || len(c.Shown.Text) > 2*len(digest{}):
		return errors.New("it is beyond its bounds")
	case c.Severity > layers.SeverityCritical || c.Shown.Severity > layers.SeverityCritical || c.Flap.Severity > layers.SeverityCritical:
		return errors.New("there is no such severity")
	case c.Seen == 0 || c.Last <= 0 || c.First > c.Last:
		return errors.New("it was never seen")
	}
	return nil
}

// tell has the others hear of a condition.
func (b *Board) tell(key digest) {
	if len(b.dirty) < maxDirty && b.behind == nil {
		b.dirty[key] = struct{}{}
	}
}

// regroup keeps the index of firing sources.
func (b *Board) regroup(key digest, was []string, c *condition) {
	for _, text := range was {
		if g, ok := parseDigest(text); ok {
			delete(b.sources[g], key)
			if len(b.sources[g]) == 0 {
				delete(b.sources, g)
			}
		}
	}
	if !c.Firing {
		return
	}
	for _, text := range c.Groups {
		if g, ok := parseDigest(text); ok {
			if b.sources[g] == nil {
				b.sources[g] = map[digest]struct{}{}
			}
			b.sources[g][key] = struct{}{}
		}
	}
}

// forget follows when a condition is dropped for a newer one.
func (b *Board) forget(key digest, c *condition) {
	gone := *c
	gone.Firing = false
	b.regroup(key, c.Groups, &gone)
	delete(b.dirty, key)
}

// explains returns the alert that fires in a group, is at least as severe as e, and is not e itself.
func (b *Board) explains(group digest, e *layers.Envelope) (name string, ok bool) {
	if b.behind == nil {
		return b.explained(group, e, func(digest) bool { return false })
	}
	if name, ok = b.explained(group, e, func(digest) bool { return false }); ok {
		return name, ok
	}
	return b.behind.explained(group, e, func(key digest) bool { return b.conditions.get(key) != nil })
}

// explained looks at those that are not known better.
func (b *Board) explained(group digest, e *layers.Envelope, isKnown func(digest) bool) (name string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := e.ReceivedAt.UnixMicro()
	for key := range b.sources[group] {
		c := b.conditions.get(key)
		if c == nil || !c.Firing || c.Severity < e.Severity || now-c.Last > holdSource.Microseconds() || isKnown(key) {
			continue
		}
		if text := "alert " + clip(c.Name) + " on " + clip(c.Key); !ok || text < name { // The same one whatever the map's order.
			name, ok = text, true
		}
	}
	return name, ok
}

// within says whether two moments lie in one window. Redelivery reorders, so either may be
// the later one.
func within(a, b, window int64) bool { return max(a, b)-min(a, b) <= window }

// Prune forgets silences and acknowledgements that are long over, by the wall clock.
func (b *Board) Prune(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := len(b.silences)
	for id, s := range b.silences {
		if now.Sub(s.Until) > KeepSilence {
			delete(b.silences, id)
			delete(b.counts, ruleSilence+id)
		}
	}
	if len(b.silences) != before {
		b.repolicy()
	}
	for key, a := range b.acks {
		last := a.At
		if c := b.conditions.get(key); c != nil && micros(c.Last).After(last) {
			last = micros(c.Last)
		}
		if now.Sub(last) > ackLife {
			b.unack(key)
		}
	}
}
