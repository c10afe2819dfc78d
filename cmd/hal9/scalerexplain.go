package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/layers"
)

func newScalerExplain(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain L3",
		Short: "Say why a layer has the number of replicas that it has",
		Long: `Say why a layer has the number of replicas that it has: what the scaler decided, by which rule
and from which measurements, now and at the last changes. With --json every decision is one
value, with all of its inputs.`,
		Example: `  hal9 scaler explain L3
  hal9 scaler explain L3 --since 24h --last 50
  hal9 scaler explain L3 --json --last 1`,
		Args: cobra.ExactArgs(1),
	}
	c := newClient(g, cmd)
	c.jsonFlag(cmd, "print JSON")
	e := cli.ScalingExplain{Now: time.Now, Place: time.Local}
	cmd.Flags().IntVar(&e.Last, "last", 10, "how many changes at most, with --json how many decisions")
	cmd.Flags().DurationVar(&e.Since, "since", time.Hour, "how far back to look")
	cmd.ValidArgs = words(layers.Names())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if e.Layer, err = layers.ParseName(args[0]); err != nil {
			return fmt.Errorf("%q is no layer: want L1, L2, L3, L4 or L5", args[0])
		}
		if e.Last < 1 {
			return fmt.Errorf("--last %d: want 1 or more", e.Last)
		}
		if e.Since <= 0 {
			return fmt.Errorf("--since %s: want more than 0", e.Since)
		}
		b, err := c.connect(cmd.Context(), cmd)
		if err != nil {
			return err
		}
		defer b.Close()
		e.Bus, e.Screen, e.JSON = b, screen(cmd), c.json
		return e.Run(cmd.Context())
	}
	return cmd
}
