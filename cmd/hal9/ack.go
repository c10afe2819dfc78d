package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/oncall"
)

func newAck(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ack SIGNAL-ID | --key KEY",
		Short: "Acknowledge an alert that fires: it is quiet until it ends or gets worse",
		Long: `Acknowledge an alert: say that somebody knows of it. It is then suppressed for as long as it fires,
in every process of L1, and breaks through where its severity rises. The acknowledgement ends by
itself when the alert is over. The alert is that of a signal, or with --key each that fires on a key.`,
		Example: `  hal9 ack disk-4711 --reason "I am at it"
  hal9 ack --key db-1 --reason "new disks arrive at noon"
  hal9 ack ls`,
		Args: cobra.MaximumNArgs(1),
	}
	d := newDesk(g, cmd)
	d.wordFlags(cmd)
	d.configFlag(cmd)
	var request oncall.AckRequest
	cmd.Flags().StringVar(&request.Key, "key", "", "every alert that fires on this key")
	cmd.Flags().StringVar(&request.Source, "source", "", "alerts of this source alone")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			request.SignalID = args[0]
		}
		if (request.SignalID == "") == (request.Key == "") {
			return errors.New("say which alert: either the id of one of its signals, or --key KEY")
		}
		request.Author, request.Reason = d.author, d.reason
		return d.with(cmd, func(ctx context.Context, desk *oncall.Desk) error {
			list, err := desk.Ack(ctx, &request)
			for i := range list {
				line := fmt.Sprintf("acknowledged %s: %s on %s, up to severity %s", list[i].ID[:12], list[i].Name, list[i].Key, orNone(list[i].Severity.String()))
				if err := d.print(cmd.OutOrStdout(), list[i], line); err != nil {
					return err
				}
			}
			return err
		})
	}
	cmd.AddCommand(newAckList(g), newAckRemove(g))
	return cmd
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func newAckList(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List acknowledgements, with what each suppressed",
		Long: `List acknowledgements, with how many signals each suppressed so far, as the processes of L1 tell every
two seconds. With --alerts the alerts that fire are listed instead, the worst first. With --json each line is one.`,
		Example: "  hal9 ack ls\n  hal9 ack ls --alerts --json",
		Args:    cobra.NoArgs,
	}
	d := newDesk(g, cmd)
	var alerts bool
	cmd.Flags().BoolVar(&alerts, "alerts", false, "list the alerts that fire instead")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return d.with(cmd, func(ctx context.Context, desk *oncall.Desk) error {
			if alerts {
				return d.listAlerts(ctx, cmd, desk)
			}
			list, err := desk.Acks(ctx)
			for i := range list {
				a := &list[i]
				line := fmt.Sprintf("%s  %s on %s (%s)  up to %s  suppressed %d  by %s at %s: %s", a.ID[:12], a.Name, a.Key, a.Source,
					orNone(a.Severity.String()), a.Suppressed, a.Author, a.At.Format(time.RFC3339), a.Reason)
				if err := d.print(cmd.OutOrStdout(), a, line); err != nil {
					return err
				}
			}
			if len(list) == 0 && err == nil && !d.json {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "no acknowledgements")
			}
			return err
		})
	}
	return cmd
}

func (d *desk) listAlerts(ctx context.Context, cmd *cobra.Command, desk *oncall.Desk) error {
	list, err := desk.Alerts(ctx)
	for i := range list {
		a := &list[i]
		flapping := ""
		if a.Flapping {
			flapping = "  flapping"
		}
		line := fmt.Sprintf("%s  %s  %s on %s (%s)  since %s, last seen %s%s", a.ID[:12], orNone(a.Severity.String()), a.Name, a.Key, a.Source,
			a.Since.Format(time.RFC3339), a.LastSeen.Format(time.RFC3339), flapping)
		if err := d.print(cmd.OutOrStdout(), a, line); err != nil {
			return err
		}
	}
	if len(list) == 0 && err == nil && !d.json {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "no alert fires")
	}
	return err
}

func newAckRemove(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rm ID",
		Aliases: []string{"remove"},
		Short:   "Take an acknowledgement back",
		Long:    "Take an acknowledgement back. ID is that of the acknowledgement, or its beginning; exit code 1 where there is none.",
		Example: "  hal9 ack rm 5f0c2a91",
		Args:    cobra.ExactArgs(1),
	}
	d := newDesk(g, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return d.with(cmd, func(ctx context.Context, desk *oncall.Desk) error {
			a, err := desk.Unack(ctx, args[0])
			if err != nil {
				return err
			}
			return d.print(cmd.OutOrStdout(), a, fmt.Sprintf("acknowledgement %s is taken back; it suppressed %d signals", a.ID[:12], a.Suppressed))
		})
	}
	return cmd
}
