package cli_test

import (
	"bytes"
	"context"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/pipeline"
)

// TestFeedShowsItsProgress looks at both kinds of progress, on a clock that leaps.
func TestFeedShowsItsProgress(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		b, _ := provisioned(t)
		feed, notes := newFeed(t, b, numbered(1000))
		feed.Terminal = terminal
		var leaps atomic.Int64
		feed.Door.Now = func() time.Time { return noon.Add(time.Duration(leaps.Load()) * 6 * time.Second) }
		feed.Store = leaping{b, func() { leaps.Add(1) }}
		if _, err := feed.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := regexp.MustCompile(`^(feed: [0-9,]+ signals, [0-9]+/s, [0-9]+ %, about [0-9hms]+ left\n)+$`)
		if terminal {
			want = regexp.MustCompile(`\r[0-9,]+ signals, [0-9]+/s +[0-9]+% \|.*\x1b\[2K`)
		}
		if !want.MatchString(notes.String()) {
			t.Errorf("terminal %t: %q does not match %s", terminal, notes, want)
		}
	}
}

// leaping is a store after whose every answer the clock leaps.
type leaping struct {
	*bus.Bus
	leap func()
}

func (l leaping) Submit(ctx context.Context, records []pipeline.Record) ([]bus.Stored, error) {
	defer l.leap()
	return l.Bus.Submit(ctx, records)
}

func TestSummaryForPeople(t *testing.T) {
	var out bytes.Buffer
	for _, s := range []cli.Summary{
		{Source: "nyc\x1b", Format: cli.FormatCSV, Sent: 1234567, Stored: 1234566, Duplicates: 1, Seconds: 61.5, Rate: 20074.2, Complete: true},
		{Source: "app", Format: cli.FormatText, Sent: 300, Stored: 256, Rejected: 2, Seconds: 0.25, Rate: 1024, ResumeLine: 259},
	} {
		if err := s.Print(&out); err != nil {
			t.Fatal(err)
		}
		if err := s.JSON(&out); err != nil {
			t.Fatal(err)
		}
	}
	goldentest.Check(t, "testdata/summary.golden", out.String())
}
