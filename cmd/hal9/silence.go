package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/oncall"
	"github.com/2lab-ai/hal9/layers"
)

func newSilence(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "silence",
		Short: "Keep signals quiet for a while: add, ls, rm",
		Long: `Keep signals quiet for a while. A silence holds for the signals for which its expression
does, until a moment, in every process of L1. More severe signals than it is meant for break
through. What it suppresses is counted, and hal9 explain names it.`,
		Example: `  hal9 silence add 'labels.cluster == "eu-2"' --for 2h --reason "the cluster is rebuilt"
  hal9 silence ls
  hal9 silence rm sil-k3v9x2ab`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSilenceAdd(g), newSilenceList(g), newSilenceRemove(g))
	return cmd
}

// desk is what the commands of people on call have in common.
type desk struct {
	*client
	author, reason string
}

func newDesk(g *global, cmd *cobra.Command) *desk {
	d := &desk{client: newClient(g, cmd)}
	d.jsonFlag(cmd, "print JSON")
	return d
}

func (d *desk) wordFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.author, "author", osUser(), "who says so")
	cmd.Flags().StringVar(&d.reason, "reason", "", "why, for those who look at it later")
}

// osUser returns the name under which somebody works here. A container may know none.
func osUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}

// open connects and returns the desk.
func (d *desk) open(cmd *cobra.Command) (*oncall.Desk, *bus.Bus, error) {
	b, err := d.connect(cmd.Context(), cmd)
	if err != nil {
		return nil, nil, err
	}
	file := config.Default()
	if d.config != "" {
		file, err = command.LoadConfig(d.config)
	}
	var decoder *ingest.Decoder
	if err == nil {
		decoder, err = app.NewDecoder(file.Sources, b)
	}
	var desk *oncall.Desk
	if err == nil {
		desk, err = app.NewDesk(cmd.Context(), b, decoder)
	}
	if err != nil {
		b.Close()
		return nil, nil, err
	}
	return desk, b, nil
}

// with opens the desk for one piece of work.
func (d *desk) with(cmd *cobra.Command, work func(ctx context.Context, desk *oncall.Desk) error) error {
	desk, b, err := d.open(cmd)
	if err != nil {
		return err
	}
	defer b.Close()
	return work(cmd.Context(), desk)
}

func newSilenceAdd(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add EXPRESSION",
		Short: "Silence the signals for which an expression holds",
		Long: `Silence the signals for which an expression (CEL, as in rules) holds, until --until or for --for, by
when signals are received. It takes effect within a second. It holds for severities up to
--severity: more severe signals break through, so that critical ones need --severity critical.`,
		Example: `  hal9 silence add 'key == "db-1"' --for 30m --reason "restore under way"
  hal9 silence add 'labels.alertname == "DiskFull" && labels.env == "test"' --until 2026-12-01T08:00:00Z --reason "known" --severity critical`,
		Args: cobra.ExactArgs(1),
	}
	d := newDesk(g, cmd)
	d.wordFlags(cmd)
	var lasts time.Duration
	var until, severity string
	cmd.Flags().DurationVar(&lasts, "for", 0, "for how long, such as 30m or 2h")
	cmd.Flags().StringVar(&until, "until", "", "until when, in RFC 3339")
	cmd.Flags().StringVar(&severity, "severity", "error", "the worst severity that it holds for: debug, info, warning, error, critical")
	cmd.MarkFlagsMutuallyExclusive("for", "until")
	cmd.MarkFlagsOneRequired("for", "until")
	complete(cmd, "severity", severities()...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		request := oncall.Request{When: args[0], Reason: d.reason, Author: d.author, For: lasts}
		var err error
		if request.Severity, err = layers.ParseSeverity(severity); err != nil {
			return flagError("severity", err)
		}
		if until != "" {
			if request.Until, err = time.Parse(time.RFC3339, until); err != nil {
				return fmt.Errorf("--until %q is no time: want RFC 3339 such as 2026-01-31T10:00:00Z", until)
			}
		}
		return d.with(cmd, func(ctx context.Context, desk *oncall.Desk) error {
			s, err := desk.Silence(ctx, &request)
			if err != nil {
				return err
			}
			return d.print(cmd.OutOrStdout(), s, fmt.Sprintf("silence %s holds until %s, for severities up to %s",
				s.ID, s.Until.Format(time.RFC3339), s.MaxSeverity))
		})
	}
	return cmd
}

// print writes a value as JSON where that is asked for, and otherwise a line.
func (d *desk) print(w io.Writer, value any, line string) error {
	if d.json {
		return json.NewEncoder(w).Encode(value)
	}
	_, err := fmt.Fprintln(w, line)
	return err
}

func newSilenceList(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List silences, with what each suppressed",
		Long: `List silences, with how many signals each suppressed so far, as the processes of L1 tell every two
seconds. Those that are over are listed for an hour with --all. With --json each line is one.`,
		Example: `  hal9 silence ls
  hal9 silence ls --json | jq -r .id`,
		Args: cobra.NoArgs,
	}
	d := newDesk(g, cmd)
	var all bool
	cmd.Flags().BoolVar(&all, "all", false, "list those that are over, too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return d.with(cmd, func(ctx context.Context, desk *oncall.Desk) error {
			list, err := desk.Silences(ctx)
			if err != nil {
				return err
			}
			return d.listSilences(cmd.OutOrStdout(), list, all)
		})
	}
	return cmd
}

func (d *desk) listSilences(w io.Writer, list []oncall.Silence, all bool) error {
	shown := 0
	for i := range list {
		s := &list[i]
		if !s.Active && !all {
			continue
		}
		shown++
		state := "until " + s.Until.Format(time.RFC3339)
		if !s.Active {
			state = "over since " + s.Until.Format(time.RFC3339)
		}
		line := fmt.Sprintf("%s  %s  up to %s  suppressed %d  by %s: %s\n    %s", s.ID, state, s.MaxSeverity, s.Suppressed, s.Author, s.Reason, s.When)
		if err := d.print(w, s, line); err != nil {
			return err
		}
	}
	if shown == 0 && !d.json {
		_, err := fmt.Fprintln(w, "no silences")
		return err
	}
	return nil
}

func newSilenceRemove(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rm ID",
		Aliases: []string{"remove"},
		Short:   "End a silence",
		Long:    "End a silence. It takes effect within a second; exit code 1 where there is none of that id.",
		Example: "  hal9 silence rm sil-k3v9x2ab",
		Args:    cobra.ExactArgs(1),
	}
	d := newDesk(g, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return d.with(cmd, func(ctx context.Context, desk *oncall.Desk) error {
			s, err := desk.Lift(ctx, args[0])
			if err != nil {
				return err
			}
			return d.print(cmd.OutOrStdout(), s, fmt.Sprintf("silence %s is lifted; it suppressed %d signals", s.ID, s.Suppressed))
		})
	}
	return cmd
}
