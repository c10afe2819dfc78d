package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/cli"
)

func newTrends(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trends",
		Short: "The performance trends report: HAL9 over time, budgets, what changed about keys",
		Long: `The performance trends report, as L5 last told it (every 4 s, less often where there are many keys): signals, latency (from
receipt to verdict), queues, compression and times of each layer and the least error budget,
by minute (60), hour (168) or day (90); how the objectives stand; and about which keys the
signals a day, the unusual ones among them or the measured level changed, with the day.`,
		Example: "  hal9 trends\n  hal9 trends --by day --json",
		Args:    cobra.NoArgs,
	}
	c := newClient(g, cmd)
	c.jsonFlag(cmd, "print JSON")
	var t cli.Trends
	cmd.Flags().StringVar(&t.By, "by", "hour", "minute, hour or day")
	cmd.Flags().IntVar(&t.Last, "last", 24, "how many of them at most; 0 for all that are kept")
	complete(cmd, "by", "minute", "hour", "day")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if t.By != "minute" && t.By != "hour" && t.By != "day" {
			return fmt.Errorf("--by: %q is no period: want minute, hour or day", t.By)
		}
		if t.Last < 0 {
			return fmt.Errorf("--last %d: want 0 or more", t.Last)
		}
		b, err := c.connect(cmd.Context(), cmd)
		if err != nil {
			return err
		}
		defer b.Close()
		t.Bus, t.Screen, t.JSON = b, screen(cmd), c.json
		return t.Run(cmd.Context())
	}
	return cmd
}
