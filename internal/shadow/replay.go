package shadow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/rehearsal"
	"github.com/2lab-ai/hal9/pipeline"
)

// ReplayOptions say what is replayed.
type ReplayOptions struct {
	Live, Shadow config.File
	Open         func() (io.ReadCloser, error) // the file, once for each configuration: each reads it by its own sources
	File         cli.ReaderConfig
	Record       func(*ingest.Item) (pipeline.Record, error) // how a signal is published
	Count        int                                         // end after so many signals; 0, the default, for all
	Differs      func(*Difference)
}

// timeless is when signals come whose file does not say when they happened.
var timeless = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Replay compares the configurations over the signals of a file that `hal9 feed` reads. A signal comes when it
// happened, and never before the one in front of it.
func Replay(ctx context.Context, o ReplayOptions) (Summary, error) {
	r := &replay{options: o}
	for side, file := range []config.File{o.Live, o.Shadow} {
		in, err := o.Open()
		if err != nil {
			return Summary{}, err
		}
		defer in.Close()
		if r.readers[side], err = newReader(in, o.File, file.Sources); err != nil {
			return Summary{}, err
		}
	}
	for {
		if err := r.line(ctx); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, errEnough) {
				err = nil
			}
			return r.summary(), err
		}
	}
}

func newReader(in io.Reader, file cli.ReaderConfig, sources []ingest.SourceRule) (*cli.Reader, error) {
	cfg := ingest.DefaultConfig()
	cfg.Sources = sources
	decoder, err := ingest.New(cfg)
	if err != nil {
		return nil, err
	}
	if file.Source == "" {
		file.Source = cli.SourceOfFile(file.Name)
	}
	return cli.NewReader(in, file, cli.Door{Decoder: decoder, Now: func() time.Time { return timeless }})
}

type replay struct {
	options ReplayOptions
	readers [2]*cli.Reader // live and shadow
	pair    *Pair          // nil before the first signal
	bad     int
}

// line replays the signals of the next line.
func (r *replay) line(ctx context.Context) error {
	live, err := r.readers[0].Next()
	if err != nil {
		return err
	}
	other, err := r.readers[1].Next()
	if err != nil {
		return err
	}
	if live.Err != nil || other.Err != nil || len(live.Items) != len(other.Items) {
		r.bad++
		return nil //nolint:nilerr // What is no signal is counted.
	}
	for i := range live.Items {
		if err := r.take(ctx, &live.Items[i], &other.Items[i]); err != nil {
			return fmt.Errorf("shadow: line %d: %w", live.Number, err)
		}
	}
	return nil
}

func (r *replay) take(ctx context.Context, live, other *ingest.Item) (err error) {
	if r.pair == nil {
		if r.pair, err = New(r.options.Live, r.options.Shadow, live.Signal.Time, r.options.Differs); err != nil {
			return err
		}
	}
	m := Message{At: live.Signal.Time}
	if m.Live, err = r.message(live); err != nil {
		return err
	}
	if m.Shadow, err = r.message(other); err != nil {
		return err
	}
	if err := r.pair.Take(ctx, m); err != nil {
		return err
	}
	if r.pair.summary.Signals == r.options.Count {
		return errEnough
	}
	return nil
}

func (r *replay) message(item *ingest.Item) (rehearsal.Message, error) {
	record, err := r.options.Record(item)
	if err != nil {
		return rehearsal.Message{}, err
	}
	m := rehearsal.Message{Subject: record.Subject, Data: record.Data, Header: make(map[string][]string)}
	for name, value := range record.Header {
		m.Header[name] = []string{value}
	}
	return m, nil
}

func (r *replay) summary() Summary {
	s := Summary{Changes: make(map[string]int), Live: Side{Answers: make(map[string]int)}, Shadow: Side{Answers: make(map[string]int)}}
	if r.pair != nil {
		s = r.pair.Summary()
	}
	s.Bad = r.bad
	return s
}
