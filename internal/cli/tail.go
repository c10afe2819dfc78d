package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
)

// From says where a tail begins; the zero value is now.
type From struct {
	Start bool
	Since time.Time
}

// ParseFrom reads "start", "now", a time in RFC 3339, or a duration before now such as "5m".
func ParseFrom(text string, now time.Time) (From, error) {
	switch text {
	case "start":
		return From{Start: true}, nil
	case "now", "":
		return From{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return From{Since: now.Add(-ago)}, nil
	}
	since, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return From{}, fmt.Errorf(`cli: %q is no time: want start, now, RFC 3339 such as 2026-01-31T10:00:00Z, or how long ago, such as 5m`, text)
	}
	return From{Since: since}, nil
}

// TailOptions say what a tail shows and when it ends.
type TailOptions struct {
	Filter  Filter
	From    From
	Count   int           // verdicts, or whatever is shown where verdicts are not; 0, the default, for ever
	Timeout time.Duration // 0, the default, for none
	JSON    bool          // what was published, byte for byte, one a line
	Place   *time.Location
}

// Tail shows what HAL9 answers, live.
type Tail struct {
	Options TailOptions
	Bus     *bus.Bus
	Screen  Screen
	Notes   io.Writer // for what is no result
}

// errEnough ends a tail that has shown what was asked for; errLate one whose time is up.
var (
	errEnough = errors.New("cli: enough")
	errLate   = errors.New("cli: the time is up")
)

// shown is a result on its way to the screen.
type shown struct {
	kind Kind
	text []byte
}

// Run shows results until ctx ends, the count is reached or the time is up; with a count that
// is not reached in time it fails. A restart of NATS costs no result and repeats none.
func (t *Tail) Run(outer context.Context) error {
	ctx, stop := context.WithCancelCause(outer)
	defer stop(nil)
	if t.Options.Timeout > 0 {
		timer := time.AfterFunc(t.Options.Timeout, func() { stop(errLate) })
		defer timer.Stop()
	}
	results := make(chan shown, 256)
	var follows sync.WaitGroup
	for _, kind := range t.Options.Filter.kinds() {
		follows.Go(func() {
			if err := t.follow(ctx, kind, results); err != nil {
				stop(err)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		follows.Wait()
		close(done)
	}()
	count, err := t.print(results, done, stop)
	if err != nil {
		return err
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errEnough) || outer.Err() != nil:
		return nil
	case !errors.Is(cause, errLate):
		return cause
	case t.Options.Count > 0:
		return fmt.Errorf("cli: %d of %d seen within %s", count, t.Options.Count, t.Options.Timeout)
	default:
		return nil
	}
}

// follow hands the accepted results of a kind to the screen, in their order.
func (t *Tail) follow(ctx context.Context, kind Kind, results chan<- shown) error {
	f := bus.Follow{
		Stream: kind.stream(), Subjects: t.Options.Filter.subjects(kind),
		Start: t.Options.From.Start, Since: t.Options.From.Since,
	}
	return f.Run(ctx, t.Bus, func(m *bus.Message) {
		text, ok := t.show(kind, m)
		if !ok {
			return
		}
		select {
		case results <- shown{kind, text}:
		case <-ctx.Done():
		}
	})
}

// show makes a message into a line. What is no result, since anybody may publish to the
// subjects, gets a note.
func (t *Tail) show(kind Kind, m *bus.Message) (text []byte, ok bool) {
	r, err := newResult(kind, m.Data)
	if err != nil {
		fmt.Fprintf(t.Notes, "tail: message %d of %s is none of HAL9's: %s\n", m.Seq, kind.stream(), clean(err.Error()))
		return nil, false
	}
	if !t.Options.Filter.accepts(r) {
		return nil, false
	}
	if !t.Options.JSON {
		return append([]byte(r.line(t.Screen, t.Options.Place)), '\n'), true
	}
	if bytes.IndexByte(m.Data, '\n') < 0 {
		return append(bytes.Clone(m.Data), '\n'), true
	}
	var compact bytes.Buffer
	err = json.Compact(&compact, m.Data)
	return append(compact.Bytes(), '\n'), err == nil
}

// print writes what comes until all follows have ended, and counts.
func (t *Tail) print(results <-chan shown, done <-chan struct{}, stop context.CancelCauseFunc) (count int, err error) {
	out := bufio.NewWriter(t.Screen.Out)
	counted := t.Options.Filter.counted()
	enough := func() bool { return t.Options.Count > 0 && count >= t.Options.Count }
	for {
		select {
		case r := <-results:
			if err != nil || enough() {
				continue
			}
			_, err = out.Write(r.text)
			if counted == "" || r.kind == counted {
				count++
			}
			if err == nil && (len(results) == 0 || enough()) {
				err = out.Flush()
			}
			if err != nil {
				err = fmt.Errorf("cli: write: %w", err)
				stop(err)
			} else if enough() {
				stop(errEnough)
			}
		case <-done:
			return count, errors.Join(err, out.Flush())
		}
	}
}
