package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/shadow"
)

type shadowFlags struct {
	*client
	live    string
	signals string
	format  string
	follow  bool
	since   string
	limit   int
	count   int
	timeout time.Duration
}

func newShadow(g *global) *cobra.Command {
	f := &shadowFlags{}
	cmd := &cobra.Command{
		Use:   "shadow --config NEW.yaml",
		Short: "Show where a new configuration would answer differently",
		Long: `Show where a new configuration would answer differently than the live one. Both get the same
signals at the same times, each with layers of its own that begin with nothing; differences
are printed as they come, and a summary at the end. Nothing is published, and the running
HAL9 notices nothing.

The signals are those of a running HAL9, from now on or, with --since, as far as they are
still there (L1's stream keeps what is decided for some seconds only), or those of a file as
for hal9 feed, on a virtual clock: each comes when it happened.`,
		Example: `  hal9 shadow --config new.yaml                          until Ctrl-C
  hal9 shadow --config new.yaml --count 10000 --json
  hal9 shadow --config new.yaml --live hal9.yaml --signals yesterday.jsonl`,
		Args: cobra.NoArgs,
	}
	f.client = newClient(g, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return f.run(cmd) }
	f.jsonFlag(cmd, `print JSON: a difference a line, then {"summary":...}`)
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "the new configuration file")
	flags.StringVar(&f.live, "live", "", "the live configuration file; hal9.yaml in this folder is read where it exists")
	flags.StringVar(&f.signals, "signals", "", "file of signals (default those of a running HAL9)")
	flags.StringVar(&f.format, "format", "", "of the file: text, csv, jsonl, cloudevents, alertmanager (default: told by the file)")
	flags.BoolVar(&f.follow, "follow", false, "follow a running HAL9, which is the default without --signals")
	flags.StringVar(&f.since, "since", "", "where to begin with a running HAL9: a time in RFC 3339, or how long ago, such as 1h (default now)")
	flags.IntVar(&f.limit, "limit", 0, "show so many differences; all are counted (default all)")
	flags.IntVar(&f.count, "count", 0, "stop after so many signals; 0 for never")
	flags.DurationVar(&f.timeout, "timeout", 0, "stop after this time; 0 for never")
	cmd.MarkFlagsMutuallyExclusive("signals", "follow")
	cmd.MarkFlagsMutuallyExclusive("signals", "since")
	complete(cmd, "format", cli.Formats()...)
	return cmd
}

func (f *shadowFlags) run(cmd *cobra.Command) error {
	if f.config == "" {
		return errors.New("which configuration? say --config NEW.yaml")
	}
	if f.limit < 0 || f.count < 0 || f.timeout < 0 {
		return fmt.Errorf("--limit %d, --count %d, --timeout %s: want 0 or more", f.limit, f.count, f.timeout)
	}
	other, err := config.Load(f.config)
	if err != nil {
		return err
	}
	live, err := command.LoadConfig(f.live)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	if f.timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, f.timeout)
		defer stop()
	}
	printer := &shadow.Printer{Out: cmd.OutOrStdout(), JSON: f.json, Most: f.limit, Place: time.Local}
	summary, err := f.compare(ctx, cmd, shadow.FollowOptions{Live: live, Shadow: other, Count: f.count, Differs: printer.Difference})
	if err != nil {
		return err
	}
	return printer.Summary(summary)
}

func (f *shadowFlags) compare(ctx context.Context, cmd *cobra.Command, o shadow.FollowOptions) (shadow.Summary, error) {
	if f.signals != "" {
		return f.replay(ctx, o)
	}
	from, err := cli.ParseFrom(f.since, time.Now())
	if err != nil || from.Start {
		return shadow.Summary{}, fmt.Errorf("--since %q is no time: want how long ago, such as 1h, or RFC 3339 such as 2026-01-31T10:00:00Z", f.since)
	}
	o.Since = from.Since
	b, err := f.connect(ctx, cmd)
	if err != nil {
		return shadow.Summary{}, err
	}
	defer b.Close()
	if !f.json {
		fmt.Fprintf(cmd.ErrOrStderr(), "comparing over %s until Ctrl-C\n", b.URL())
	}
	return shadow.Follow(ctx, b, o)
}

func (f *shadowFlags) replay(ctx context.Context, o shadow.FollowOptions) (shadow.Summary, error) {
	if f.signals == "-" {
		return shadow.Summary{}, errors.New("--signals -: each configuration reads the signals for itself: want a file")
	}
	var format cli.Format
	var err error
	if f.format != "" {
		if format, err = cli.ParseFormat(f.format); err != nil {
			return shadow.Summary{}, flagError("format", err)
		}
	}
	return shadow.Replay(ctx, shadow.ReplayOptions{
		Live: o.Live, Shadow: o.Shadow, Count: o.Count, Differs: o.Differs, Record: app.SignalRecord,
		Open: func() (io.ReadCloser, error) { return os.Open(f.signals) },
		File: cli.ReaderConfig{Name: f.signals, Format: format},
	})
}
