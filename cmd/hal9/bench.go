package main

import (
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bench"
)

func newBench(g *global) *cobra.Command {
	cfg := bench.DefaultConfig()
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure HAL9 beside its yardsticks: the performance table",
		Long: `Measure HAL9 beside its yardsticks in the same run: servers, HAL9 and the bare nats.go loops run in this
process, one after the other, on stores in a temporary folder. Rows: ` + strings.Join(bench.IDs(), ", ") + `.`,
		Example: `  hal9 bench
  hal9 bench --rows throughput --rounds 5
  hal9 bench --quick --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Progress, cfg.Commit = cmd.ErrOrStderr(), thisBuild().Commit
			table, err := bench.Run(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(table)
			}
			return table.WriteTable(cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&cfg.Rows, "rows", nil, "measure these rows only")
	flags.IntVar(&cfg.Rounds, "rounds", cfg.Rounds, "measure so often and print medians")
	flags.BoolVar(&cfg.Quick, "quick", false, "a tenth of the work: tells whether it runs, not how fast")
	flags.StringVar(&cfg.Dir, "dir", cfg.Dir, "folder of the temporary stores")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	_ = g
	return cmd
}
