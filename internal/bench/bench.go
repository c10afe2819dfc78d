// Package bench measures HAL9 beside its yardsticks: what `hal9 bench` prints. It owns the rows of the
// performance table, how each is measured and what it is measured against.
//
// It promises that a figure and its yardstick come from the same run on the same machine, fed and read by the
// same code; that contenders take turns in every round and figures are medians over rounds; that every
// signal is looked for at the end, so that no speed is bought with loss; and that a row which can't be
// measured has no figures and says why.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config says what to measure.
type Config struct {
	Rows     []string  // ids; default all
	Rounds   int       // how often each row is measured; default 3
	Quick    bool      // a tenth of the work: tells whether it runs, not how fast; default off
	Alone    bool      // without the yardsticks, such as for profiles; default off
	Dir      string    // folder of the temporary stores; default the system's
	Commit   string    // what was built
	Progress io.Writer // what is being measured; default nowhere
	Log      *slog.Logger
	// Users runs 1,000 concurrent users for 60 s; without it the row says how to.
	Users func(ctx context.Context) (Users, error)
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{Rounds: 3, Dir: os.TempDir(), Progress: io.Discard, Log: slog.New(slog.DiscardHandler)}
}

// Validate reports every impossible value.
func (c Config) Validate() error {
	var problems []error
	if c.Rounds < 1 {
		problems = append(problems, fmt.Errorf("bench: %d rounds: want at least 1", c.Rounds))
	}
	for _, id := range c.Rows {
		if !slices.Contains(IDs(), id) {
			problems = append(problems, fmt.Errorf("bench: there is no row %q: want %s", id, strings.Join(IDs(), ", ")))
		}
	}
	return errors.Join(problems...)
}

// session is one run of the table.
type session struct {
	cfg    Config
	dir    string // removed at the end
	stores int
}

// Run measures the rows and returns the table. A row that can't be measured says why in its note; the error is
// for what ends the whole run.
func Run(ctx context.Context, cfg Config) (Table, error) {
	if err := cfg.Validate(); err != nil {
		return Table{}, err
	}
	dir, err := os.MkdirTemp(cfg.Dir, "hal9-bench-")
	if err != nil {
		return Table{}, fmt.Errorf("bench: make a folder for the stores: %w", err)
	}
	defer os.RemoveAll(dir)
	s := &session{cfg: cfg, dir: dir}
	table := Table{Machine: describeMachine(dir), Commit: cfg.Commit, Rows: []Row{}}
	for _, g := range groups() {
		lines := g.lines(cfg.Rows)
		if len(lines) == 0 {
			continue
		}
		began := time.Now()
		s.measure(ctx, g, lines)
		if ctx.Err() != nil {
			return table, fmt.Errorf("bench: stopped at %s: %w", lines[0].row.ID, context.Cause(ctx))
		}
		for _, line := range lines {
			s.say("%s: %s", line.row.ID, line.row.summary())
			table.Rows = append(table.Rows, *line.row)
		}
		s.say("  took %s", time.Since(began).Round(100*time.Millisecond))
	}
	return table, nil
}

// measure measures the rows of a group.
func (s *session) measure(ctx context.Context, g group, lines []line) {
	err := g.measure(ctx, s, lines)
	for _, line := range lines {
		if err != nil {
			line.row.fail(err)
		}
		line.row.compare()
		if line.judge != nil {
			line.row.Must, line.row.Goal = line.judge(line.row)
		}
	}
}

// reason returns an error's text for a note, on one line and without this package's name.
func reason(err error) string {
	return strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "bench: ")
}

// say tells how far the run is.
func (s *session) say(format string, args ...any) {
	fmt.Fprintf(s.cfg.Progress, format+"\n", args...)
}

// store returns a fresh folder for one server, and what removes it.
func (s *session) store() (dir string, remove func() error, err error) {
	s.stores++
	dir = filepath.Join(s.dir, strconv.Itoa(s.stores))
	if err := os.Mkdir(dir, 0o750); err != nil {
		return "", nil, fmt.Errorf("bench: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

// scale returns n, or a tenth of it where the run is a quick one.
func (s *session) scale(n int) int {
	if s.cfg.Quick {
		return max(1, n/10)
	}
	return n
}
