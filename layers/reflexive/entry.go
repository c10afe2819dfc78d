package reflexive

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// For how long entries of the bucket outlive what they say.
const (
	KeepSilence   = time.Hour
	keepCondition = holdSource + time.Hour
	keepCounts    = 7 * 24 * time.Hour
)

// Change is an entry to put into the bucket, or to delete where Data is nil.
type Change struct {
	Entry string
	Data  []byte
	TTL   time.Duration // after which the bucket may forget it
	Given time.Time     // of an acknowledgement that is to be deleted: one that was given since stays
}

// Means reports whether the entry of an acknowledgement is the one that is to be deleted; what can't be read is.
func (c *Change) Means(entry []byte) bool {
	var a Ack
	return json.Unmarshal(entry, &a) != nil || a.At.Equal(c.Given)
}

// SilenceEntry returns the entry of a silence, as of now.
func SilenceEntry(s *Silence, now time.Time) (Change, error) {
	if err := s.Validate(); err != nil {
		return Change{}, fmt.Errorf("reflexive: %w", err)
	}
	data, err := json.Marshal(s)
	return Change{Entry: entrySilence + s.ID, Data: data, TTL: s.Until.Sub(now) + KeepSilence}, err
}

// AckEntry returns the entry of an acknowledgement.
func AckEntry(a *Ack) (Change, error) {
	if err := a.Validate(); err != nil {
		return Change{}, fmt.Errorf("reflexive: %w", err)
	}
	data, err := json.Marshal(a)
	return Change{Entry: entryAck + a.ID, Data: data, TTL: 30 * 24 * time.Hour}, err
}

// LiftSilence returns what deletes a silence.
func LiftSilence(id string) Change { return Change{Entry: entrySilence + id} }

// LiftAck returns what deletes an acknowledgement that was given at a time.
func LiftAck(id string, given time.Time) Change { return Change{Entry: entryAck + id, Given: given} }

// Changes returns what the other processes must hear of, at most so many entries. process names this one
// in its counts; they are left out where it is empty.
func (b *Board) Changes(process string, most int) (list []Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.ended) > 0 && len(list) < most {
		list = append(list, LiftAck(b.ended[0].key.String(), b.ended[0].given))
		b.ended = b.ended[1:]
	}
	for key := range b.dirty {
		if len(list) >= most {
			break
		}
		delete(b.dirty, key)
		c := b.conditions.get(key)
		if c == nil {
			continue
		}
		if data, err := json.Marshal(c); err == nil {
			c.told = c.Last
			list = append(list, Change{Entry: entryCondition + key.String(), Data: data, TTL: max(keepCondition, time.Duration(b.window)*time.Microsecond+time.Hour)})
		}
	}
	if b.counted && process != "" && len(list) < most {
		if data, err := json.Marshal(b.counts); err == nil {
			b.counted = false
			list = append(list, Change{Entry: entryCounts + process, Data: data, TTL: keepCounts})
		}
	}
	return list
}

// Undone takes back changes that could not be stored.
func (b *Board) Undone(list []Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, change := range list {
		kind, id := change.Entry[:len(change.Entry)-len(afterDot(change.Entry))], afterDot(change.Entry)
		key, isKey := parseDigest(id)
		switch {
		case kind == entryAck && isKey:
			b.ended = append(b.ended, endedAck{key, change.Given})
		case kind == entryCondition && isKey:
			b.tell(key)
		case kind == entryCounts:
			b.counted = true
		}
	}
}

func afterDot(entry string) string {
	for i := range len(entry) {
		if entry[i] == '.' {
			return entry[i+1:]
		}
	}
	return ""
}

// hearCounts takes in what another process suppressed.
func (b *Board) hearCounts(process string, data []byte) error {
	if data == nil {
		delete(b.others, process)
		return nil
	}
	var counts map[string]uint64
	if err := json.Unmarshal(data, &counts); err != nil {
		return fmt.Errorf("reflexive: counts of %s: %w", clip(process), err)
	}
	if len(counts) > maxCounts {
		return errors.New("reflexive: counts of " + clip(process) + ": too many")
	}
	if _, known := b.others[process]; known || len(b.others) < maxProcesses {
		b.others[process] = counts
	}
	return nil
}

// count notes that something was suppressed by a silence, an acknowledgement or an inhibition.
func (b *Board) count(rule string) {
	if b.behind != nil {
		b = b.behind
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.counts[rule]; known || len(b.counts) < maxCounts {
		b.counts[rule]++
		b.counted = true
	}
}

// Suppressed returns how many signals each rule suppressed, in all processes of the last week as far as they told:
// by "silence:ID", "ack:ID", "inhibit:NAME" and "flapping".
func (b *Board) Suppressed(own string) map[string]uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := maps.Clone(b.counts)
	for process, counts := range b.others {
		if process == own {
			continue
		}
		for rule, n := range counts {
			sum[rule] += n
		}
	}
	return sum
}

// Silences returns the silences, those that last longest first.
func (b *Board) Silences() []Silence {
	p := b.policy.Load()
	list := make([]Silence, len(p.silences))
	for i := range p.silences {
		list[i] = p.silences[i].Silence
	}
	return list
}

// Acks returns the acknowledgements in the order in which they were given.
func (b *Board) Acks() []Ack {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.SortedFunc(maps.Values(b.acks), func(a, b Ack) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return slices.Compare([]byte(a.ID), []byte(b.ID))
	})
}

// Alert is a condition that fires, for people.
type Alert struct {
	ID       string          `json:"id"`
	Source   string          `json:"source"`
	Key      string          `json:"key"`
	Name     string          `json:"name"`
	Severity layers.Severity `json:"severity"`
	Since    time.Time       `json:"since"`
	LastSeen time.Time       `json:"last_seen"`
	Flapping bool            `json:"flapping"`
	Firing   bool            `json:"firing"`
}

// ReadAlert reads the entry of a condition; ok is false for other entries and what can't be read.
func ReadAlert(entry string, data []byte) (a Alert, ok bool) {
	id := afterDot(entry)
	var c condition
	if entry != entryCondition+id || json.Unmarshal(data, &c) != nil || c.validate() != nil {
		return a, false
	}
	return Alert{
		ID: id, Source: c.Source, Key: c.Key, Name: c.Name, Severity: c.Severity,
		Since: micros(c.First), LastSeen: micros(c.Last), Flapping: c.Flap.Since != 0, Firing: c.Firing,
	}, true
}
