// Package journal keeps the last warnings and errors that a process logged, so that whoever asks it what is wrong is
// told, without its logs. What is the same again is counted and not kept twice; texts and their number are bounded.
package journal

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds.
const (
	entriesMost = 100 // kept; the ones not seen for longest go first
	textMost    = 600 // bytes of an entry's attributes
)

// Entry is a message with the attributes that it had last.
type Entry struct {
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Level   string    `json:"level"` // WARN or ERROR
	Message string    `json:"message"`
	Detail  string    `json:"detail,omitempty"` // attributes, name=value
	Count   uint64    `json:"count"`
}

// Journal keeps entries. It is safe for concurrent use; its zero value is empty.
type Journal struct {
	mu      sync.Mutex
	entries []Entry
}

// Entries returns what is kept, the newest first.
func (j *Journal) Entries() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := slices.Clone(j.entries)
	slices.SortStableFunc(list, func(a, b Entry) int { return cmp.Compare(b.Last.UnixNano(), a.Last.UnixNano()) })
	return list
}

func (j *Journal) add(e *Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := slices.IndexFunc(j.entries, func(old Entry) bool { return old.Message == e.Message && old.Level == e.Level })
	if at >= 0 {
		old := &j.entries[at]
		old.Last, old.Detail, old.Count = e.Last, e.Detail, old.Count+1
		return
	}
	if len(j.entries) >= entriesMost {
		oldest := 0
		for i := range j.entries {
			if j.entries[i].Last.Before(j.entries[oldest].Last) {
				oldest = i
			}
		}
		j.entries = slices.Delete(j.entries, oldest, oldest+1)
	}
	j.entries = append(j.entries, *e)
}

// Handler returns a handler that hands records on to next and keeps those that are warnings or worse, whatever next
// does with them.
func (j *Journal) Handler(next slog.Handler) slog.Handler { return &handler{next: next, journal: j} }

type handler struct {
	next    slog.Handler
	journal *Journal
	before  string // attributes of WithAttrs, each with a space behind it
	group   string // names of groups, each with a dot behind it
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= slog.LevelWarn {
		var b strings.Builder
		b.WriteString(h.before)
		record.Attrs(func(a slog.Attr) bool {
			write(&b, h.group, a)
			return b.Len() < textMost
		})
		text := strings.ToValidUTF8(b.String()[:min(b.Len(), textMost)], "")
		h.journal.add(&Entry{
			First: record.Time, Last: record.Time, Level: record.Level.String(), Message: record.Message, Detail: strings.TrimSpace(text), Count: 1,
		})
	}
	if !h.next.Enabled(ctx, record.Level) {
		return nil
	}
	return h.next.Handle(ctx, record)
}

func write(b *strings.Builder, group string, a slog.Attr) {
	b.WriteString(group + a.Key + "=" + a.Value.Resolve().String() + " ")
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	for _, a := range attrs {
		write(&b, h.group, a)
	}
	return &handler{h.next.WithAttrs(attrs), h.journal, h.before + b.String(), h.group}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{h.next.WithGroup(name), h.journal, h.before, h.group + name + "."}
}
