package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/tuning"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// shadowed is a signal that a proposal would answer otherwise.
type shadowed struct {
	SignalID string    `json:"signal_id"`
	Source   string    `json:"source"`
	Key      string    `json:"key"`
	At       time.Time `json:"decided_at"`
	Would    string    `json:"would"`
}

func newTuningShadow(g *global) *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use: "shadow L2|L3", Short: "List the signals that the proposal would answer otherwise", Args: cobra.ExactArgs(1),
		Example: "  hal9 tuning shadow L3 --since 1h",
	}
	c := newClient(g, cmd)
	c.jsonFlag(cmd, "print JSON, one signal a line")
	cmd.Flags().StringVar(&since, "since", "24h", "verdicts since then: how long ago, such as 1h, or a time in RFC 3339")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		layer, err := tunedLayer(args[0])
		if err != nil {
			return err
		}
		from, err := cli.ParseFrom(since, time.Now())
		if err != nil || from.Since.IsZero() {
			return fmt.Errorf("--since %q is no time: want how long ago, such as 1h, or RFC 3339 such as 2026-01-31T10:00:00Z", since)
		}
		b, shelf, err := c.tunings(cmd)
		if err != nil {
			return err
		}
		defer b.Close()
		state, err := shelf.State(cmd.Context(), layer)
		if err != nil {
			return err
		}
		if state.Shadow == nil {
			return fmt.Errorf("%w: %s has no proposal", tuning.ErrNothing, layer)
		}
		return listShadow(cmd, b, shadowQuery{state.Shadow, from.Since, c.json})
	}
	return cmd
}

type shadowQuery struct {
	proposal *layers.Tuning
	since    time.Time
	json     bool
}

// shadowMost bounds how many verdicts are read.
const shadowMost = 1_000_000

func listShadow(cmd *cobra.Command, b *bus.Bus, q shadowQuery) error {
	prefix := fmt.Sprintf("%s version %d: ", q.proposal.Layer, q.proposal.Version)
	out, seen, differ := cmd.OutOrStdout(), 0, 0
	err := b.Since(cmd.Context(), pipeline.StreamVerdicts, q.since, shadowMost, func(m *bus.Message) {
		seen++
		var v layers.Verdict
		if json.Unmarshal(m.Data, &v) != nil || v.Evidence == nil {
			return
		}
		for _, text := range v.Evidence.Shadow {
			would, ok := strings.CutPrefix(text, prefix)
			if !ok {
				continue
			}
			differ++
			one := shadowed{v.SignalID, v.Source, v.Key, v.DecidedAt, would}
			if q.json {
				_ = json.NewEncoder(out).Encode(one) // A closed pipe ends the command anyhow.
				continue
			}
			fmt.Fprintf(out, "%s of source %s on %s: %s\n", plain(one.SignalID), plain(one.Source), plain(one.Key), plain(one.Would))
		}
	})
	if err == nil && !q.json {
		fmt.Fprintf(out, "%d of %d verdicts would be others with version %d of %s\n", differ, seen, q.proposal.Version, q.proposal.Layer)
	}
	return err
}
