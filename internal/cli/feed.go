package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// FeedOptions say what is fed and how.
type FeedOptions struct {
	File     ReaderConfig
	Rate     float64       // signals per second; 0, the default, for as fast as it goes
	Limit    int           // signals at most; 0, the default, for all
	Strict   bool          // stop at the first bad line; default false
	Patience time.Duration // how long HAL9 may be full or away before the feed gives up; default 1 min
}

// DefaultFeedOptions returns the defaults; the file stays empty.
func DefaultFeedOptions() FeedOptions { return FeedOptions{Patience: time.Minute} }

// Validate reports everything that is wrong, joined.
func (o *FeedOptions) Validate() error {
	var problems []error
	if o.Rate < 0 {
		problems = append(problems, fmt.Errorf("cli: --rate %g: want signals per second, or 0 for as fast as it goes", o.Rate))
	}
	if o.Limit < 0 {
		problems = append(problems, fmt.Errorf("cli: --limit %d: want a number of signals, or 0 for all", o.Limit))
	}
	if o.File.FromLine < 0 {
		problems = append(problems, fmt.Errorf("cli: --from-line %d: want a line number from 1 on", o.File.FromLine))
	}
	if o.Patience <= 0 {
		problems = append(problems, fmt.Errorf("cli: --patience %s: want more than 0", o.Patience))
	}
	return errors.Join(problems...)
}

// SourceOfFile is the source of a file's signals where none is asked for: its name without
// folder and extension.
func SourceOfFile(name string) string {
	if name == "-" {
		return "stdin"
	}
	base := filepath.Base(name)
	if source := strings.TrimSuffix(base, filepath.Ext(base)); source != "" {
		return source
	}
	return base
}

// Feed replays a file as signals.
type Feed struct {
	Options FeedOptions
	Door    Door
	Store   Store
	In      io.Reader
	Size    int64     // of In, bytes; 0 where it is not known
	Notes   io.Writer // for progress and what is wrong with the file
	// Terminal says that Notes is a terminal: there is a progress bar.
	Terminal bool
}

// ErrInterrupted says that a feed ended before its file did.
var ErrInterrupted = errors.New("cli: interrupted")

// Run feeds the file and says how far it came, whatever ended it. Signals are stored in the
// order of the file; what was sent when ctx ends is still waited for, a few seconds.
func (f *Feed) Run(ctx context.Context) (Summary, error) {
	if err := f.Options.Validate(); err != nil {
		return Summary{}, err
	}
	if f.Options.File.Source == "" {
		f.Options.File.Source = SourceOfFile(f.Options.File.Name)
	}
	notes := newProgress(f)
	defer notes.end()
	reader, err := NewReader(f.In, f.Options.File, f.Door)
	if err != nil {
		return Summary{}, err
	}
	r := &run{
		feed: f, notes: notes, began: f.Door.Now(), limiter: rate.NewLimiter(rate.Inf, 1),
		summary: Summary{Source: f.Options.File.Source, Format: reader.Format(), ResumeLine: max(1, f.Options.File.FromLine)},
	}
	if f.Options.Rate > 0 {
		r.limiter = rate.NewLimiter(rate.Limit(f.Options.Rate), max(1, int(f.Options.Rate/20)))
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	r.parcels = read(reading, reader, f.Options.Limit)
	err = r.all(ctx)
	r.finish(err)
	return r.summary, err
}

// parcel is one signal on its way, or a line that gave none.
type parcel struct {
	line *Line
	item int  // index of the signal in its line
	last bool // of its line
	err  error
}

// parcelsMax bounds what is read ahead, signals.
const parcelsMax = 1024

// read reads ahead while signals are stored. A read that waits for a terminal or a pipe can't
// be interrupted: its goroutine ends with the input, or with the process.
func read(ctx context.Context, reader *Reader, limit int) <-chan parcel {
	parcels := make(chan parcel, parcelsMax)
	go func() {
		defer close(parcels)
		for left := limit; limit == 0 || left > 0; {
			line, err := reader.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			for _, p := range line.parcels(err) {
				if p.err == nil {
					left--
				}
				select {
				case parcels <- p:
				case <-ctx.Done():
					return
				}
				if err != nil || (limit > 0 && left == 0) {
					return
				}
			}
		}
	}()
	return parcels
}

// parcels cuts a line into its signals; err is why the file can't be read any further.
func (l Line) parcels(err error) []parcel {
	if err != nil {
		return []parcel{{err: err}}
	}
	if l.Err != nil {
		return []parcel{{line: &l, last: true, err: l.Err}}
	}
	list := make([]parcel, len(l.Items))
	for i := range list {
		list[i] = parcel{line: &l, item: i, last: i == len(list)-1}
	}
	return list
}
