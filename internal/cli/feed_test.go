package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/natstest"
)

// newFeed returns a feed of a text that is called app.log.
func newFeed(t *testing.T, b *bus.Bus, text string) (*cli.Feed, *buffer) {
	t.Helper()
	notes := &buffer{}
	feed := &cli.Feed{Options: cli.DefaultFeedOptions(), Door: newDoor(t), Store: b, In: strings.NewReader(text), Size: int64(len(text)), Notes: notes}
	feed.Options.File.Name = "app.log"
	feed.Door.Now = time.Now
	return feed, notes
}

// numbered returns lines "line 1".."line n".
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, "line", i+1)
	}
	return b.String()
}

func texts(t *testing.T, b *bus.Bus) []string {
	t.Helper()
	var list []string
	for _, s := range signalsIn(t, b) {
		list = append(list, s.Text)
	}
	return list
}

func lines(from, to int) []string {
	var list []string
	for i := from; i <= to; i++ {
		list = append(list, fmt.Sprint("line ", i))
	}
	return list
}

// untimed ignores what differs from run to run.
var untimed = cmpopts.IgnoreFields(cli.Summary{}, "Seconds", "Rate")

func TestFeedStoresAllInOrderAndKnowsThemAgain(t *testing.T) {
	b, _ := provisioned(t)
	for _, c := range []struct {
		prefix             string
		stored, duplicates int
	}{{"", 1500, 0}, {"", 0, 1500}, {"run2-", 1500, 0}} {
		feed, _ := newFeed(t, b, numbered(1500))
		feed.Options.File.IDPrefix = c.prefix
		got, err := feed.Run(t.Context())
		want := cli.Summary{Source: "app", Format: cli.FormatText, Sent: 1500, Stored: c.stored, Duplicates: c.duplicates, Complete: true}
		if diff := cmp.Diff(want, got, untimed); err != nil || diff != "" {
			t.Errorf("prefix %q: %v, summary (-want +got):\n%s", c.prefix, err, diff)
		}
		if got.Seconds <= 0 || got.Rate <= 0 {
			t.Errorf("%g seconds at %g/s, want more than 0", got.Seconds, got.Rate)
		}
	}
	if diff := cmp.Diff(append(lines(1, 1500), lines(1, 1500)...), texts(t, b)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestFeedReportsBadLines(t *testing.T) {
	text := "ok\n" + strings.Repeat("\xff\n", 30) + "ok\n"
	for _, strict := range []bool{false, true} {
		b, _ := provisioned(t)
		feed, notes := newFeed(t, b, text)
		feed.Options.Strict = strict
		got, err := feed.Run(t.Context())
		want := cli.Summary{Source: "app", Format: cli.FormatText, Sent: 2, Stored: 2, Rejected: 30, Complete: true}
		shown := 21
		if strict {
			want = cli.Summary{Source: "app", Format: cli.FormatText, Sent: 1, Stored: 1, Rejected: 1, ResumeLine: 2}
			shown = 0
			if err == nil || !strings.HasPrefix(err.Error(), "cli: line 2: invalid UTF-8") {
				t.Errorf("error %v, want one about line 2", err)
			}
		} else if err != nil || !strings.Contains(notes.String(), "feed: line 2: invalid UTF-8 at byte 0") {
			t.Errorf("error %v, notes %s", err, notes)
		}
		if diff := cmp.Diff(want, got, untimed); diff != "" {
			t.Errorf("strict %t: summary (-want +got):\n%s", strict, diff)
		}
		if n := strings.Count(notes.String(), "\n"); n != shown {
			t.Errorf("%d notes, want %d:\n%s", n, shown, notes)
		}
	}
}

func TestFeedKeepsLimitAndFirstLine(t *testing.T) {
	b, _ := provisioned(t)
	feed, _ := newFeed(t, b, numbered(20))
	feed.Options.Limit, feed.Options.File.FromLine = 5, 4
	got, err := feed.Run(t.Context())
	want := cli.Summary{Source: "app", Format: cli.FormatText, Sent: 5, Stored: 5, Complete: true, ResumeLine: 9}
	if diff := cmp.Diff(want, got, untimed); err != nil || diff != "" {
		t.Errorf("%v, summary (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(lines(4, 8), texts(t, b)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestFeedKeepsTheRate(t *testing.T) {
	b, _ := provisioned(t)
	feed, _ := newFeed(t, b, numbered(60))
	feed.Options.Rate = 100
	began := time.Now()
	if _, err := feed.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A burst of 5 is free, the other 55 take a hundredth of a second each.
	if took := time.Since(began); took < 500*time.Millisecond || took > 5*time.Second {
		t.Errorf("60 signals at 100/s took %s, want about 0.55 s", took)
	}
}

func TestFeedSaysWhereToGoOnWhenInterrupted(t *testing.T) {
	b, _ := provisioned(t)
	feed, _ := newFeed(t, b, numbered(100_000))
	feed.Options.Rate = 200
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	first, err := feed.Run(ctx)
	if !errors.Is(err, cli.ErrInterrupted) || first.Complete || first.ResumeLine != first.Stored+1 || first.Stored == 0 {
		t.Fatalf("%v, summary %+v: want an interrupted feed that goes on behind what it stored", err, first)
	}
	feed, _ = newFeed(t, b, numbered(100_000))
	feed.Options.File.FromLine, feed.Options.Limit = first.ResumeLine, 10
	if _, err := feed.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lines(1, first.Stored+10), texts(t, b)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// TestFeedEndsWhileItsInputWaits is about a pipe that nobody writes to.
func TestFeedEndsWhileItsInputWaits(t *testing.T) {
	b, _ := provisioned(t)
	in, out := io.Pipe()
	feed, _ := newFeed(t, b, "")
	feed.In, feed.Size = in, 0
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan cli.Summary, 1)
	go func() {
		summary, _ := feed.Run(ctx)
		done <- summary
	}()
	fmt.Fprintln(out, "live")
	for range 500 {
		if len(texts(t, b)) == 1 {
			break // It was stored although no second line came.
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	select {
	case got := <-done:
		if got.Stored != 1 || got.ResumeLine != 2 {
			t.Errorf("summary %+v, want 1 stored and line 2 to go on with", got)
		}
	case <-time.After(5 * time.Second):
		t.Error("it did not end")
	}
	if err := out.Close(); err != nil { // Ends the goroutine that reads.
		t.Error(err)
	}
}

func TestFeedOutlastsARestart(t *testing.T) {
	b, server := provisioned(t)
	feed, notes := newFeed(t, b, numbered(3000))
	feed.Options.Rate = 4000
	type end struct {
		summary cli.Summary
		err     error
	}
	done := make(chan end, 1)
	go func() {
		summary, err := feed.Run(t.Context())
		done <- end{summary, err}
	}()
	for range 500 {
		if len(texts(t, b)) > 200 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	server.Stop()
	notes.waitFor(t, "trying again")
	server.Restart(t)
	got := <-done
	if got.err != nil || got.summary.Stored != 3000 || !got.summary.Complete {
		t.Errorf("%v, summary %+v: want 3000 stored", got.err, got.summary)
	}
	if diff := cmp.Diff(lines(1, 3000), texts(t, connect(t, server))); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestFeedGivesUpWhenNatsStaysAway(t *testing.T) {
	b, server := provisioned(t)
	feed, _ := newFeed(t, b, numbered(10))
	feed.Options.Patience = 500 * time.Millisecond
	server.Stop()
	got, err := feed.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "nothing could be stored for 500ms") || !errors.Is(err, bus.ErrDisconnected) {
		t.Errorf("error %v, want one that says for how long", err)
	}
	if got.ResumeLine != 1 || got.Complete {
		t.Errorf("summary %+v, want line 1 to go on with", got)
	}
}

// TestFeedWaitsForRoom fills the stream and makes room again.
func TestFeedWaitsForRoom(t *testing.T) {
	b, server := provisioned(t)
	setMaxMsgs(t, server, 100)
	feed, notes := newFeed(t, b, numbered(300))
	done := make(chan error, 1)
	go func() {
		_, err := feed.Run(t.Context())
		done <- err
	}()
	notes.waitFor(t, "HAL9 is full for now")
	if n := len(texts(t, b)); n != 100 {
		t.Errorf("%d stored in a stream for 100", n)
	}
	setMaxMsgs(t, server, -1)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(lines(1, 300), texts(t, b)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func setMaxMsgs(t *testing.T, server *natstest.Server, most int64) {
	t.Helper()
	nc, err := nats.Connect(server.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "HAL9_L1")
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.MaxMsgs = most
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

func TestFeedRefusesImpossibleOptions(t *testing.T) {
	feed, _ := newFeed(t, nil, "")
	feed.Options = cli.FeedOptions{Rate: -1, Limit: -1, File: cli.ReaderConfig{FromLine: -1}}
	_, err := feed.Run(t.Context())
	for _, flag := range []string{"--rate -1", "--limit -1", "--from-line -1", "--patience 0s"} {
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("error %v, want one that names %s", err, flag)
		}
	}
}
