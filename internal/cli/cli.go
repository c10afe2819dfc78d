// Package cli is what the client commands do: send, feed, tail, explain and trace. It
// reads files and flags' values, speaks to a running HAL9 through package bus and writes
// for people or, as JSON, for programs.
//
// It promises that what people see holds no control characters of senders, that nothing
// is read into memory as a whole, and that whoever is interrupted is told where to go on.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/pipeline"
)

// NotFoundError says that a signal is not known.
type NotFoundError struct {
	ID     string
	Source string // empty where any would do
}

func (e *NotFoundError) Error() string {
	return "cli: no signal " + subject{e.ID, e.Source}.String() + ": never seen, or older than what the streams keep"
}

// Store stores signals; *bus.Bus is one.
type Store interface {
	Submit(ctx context.Context, records []pipeline.Record) ([]bus.Stored, error)
}

// Door is how signals get in: read as at HAL9's other doors and made into records.
type Door struct {
	Decoder *ingest.Decoder
	Record  func(*ingest.Item) (pipeline.Record, error)
	Now     func() time.Time
}

// writeJSON writes a value for programs.
func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("cli: write: %w", err)
	}
	return nil
}

// problem returns what the decoder says about one signal, without the place in a body that
// nobody sent.
func problem(err error) error {
	if items, ok := errors.AsType[ingest.ItemErrors](err); ok && len(items) == 1 {
		return errors.New(strings.TrimPrefix(items[0].Error(), "signal 0: "))
	}
	return errors.New(strings.TrimPrefix(err.Error(), "ingest: "))
}

// wait waits, and returns early with ctx's cause.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
