package main

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bench"
)

type benchFlags struct {
	cfg      bench.Config
	profile  bench.Profile
	json     bool
	markdown bool
}

func newBench(g *global) *cobra.Command {
	f := &benchFlags{cfg: bench.DefaultConfig()}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure HAL9 beside its yardsticks: the performance table",
		Long: `Measure HAL9 beside its yardsticks in the same run. Everything runs in this process, one after the other:
servers on stores in a temporary folder, HAL9, and as the yardstick what a good engineer writes by hand with nats.go.
Figures are medians over the rounds; every signal is looked for at the end. Let nothing else run meanwhile: it takes
about ten minutes.

Rows: ` + strings.Join(bench.IDs(), ", ") + `.`,
		Example: `  hal9 bench
  hal9 bench --rows throughput,propagation_idle --rounds 5
  hal9 bench --quick --json                            does it run at all
  hal9 bench --rows throughput --no-yardsticks --cpuprofile cpu.pprof`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.bench(cmd, g) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.cfg.Rows, "rows", nil, "measure these rows only")
	flags.IntVar(&f.cfg.Rounds, "rounds", f.cfg.Rounds, "measure so often and print medians")
	flags.BoolVar(&f.cfg.Quick, "quick", false, "a tenth of the work: tells whether it runs, not how fast")
	flags.BoolVar(&f.cfg.Alone, "no-yardsticks", false, "measure HAL9 alone, such as for profiles")
	flags.StringVar(&f.cfg.Dir, "dir", f.cfg.Dir, "folder of the temporary stores")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.markdown, "markdown", false, "print Markdown")
	flags.StringVar(&f.profile.CPU, "cpuprofile", "", "write a CPU profile of the whole run to this file")
	flags.StringVar(&f.profile.Memory, "memprofile", "", "write an allocation profile of the whole run to this file")
	return cmd
}

func (f *benchFlags) bench(cmd *cobra.Command, g *global) error {
	if f.json && f.markdown {
		return errors.New("--json and --markdown: want one of them")
	}
	log, err := g.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("log-level") { // Dozens of servers come and go; what goes wrong stands in the row.
		f.cfg.Log = log
	}
	f.cfg.Progress, f.cfg.Commit = cmd.ErrOrStderr(), benchCommit()
	stop, err := f.profile.Start()
	if err != nil {
		return err
	}
	table, err := bench.Run(cmd.Context(), f.cfg)
	if err = errors.Join(err, stop()); err != nil {
		return err
	}
	switch {
	case f.json:
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		return encoder.Encode(table)
	case f.markdown:
		return table.WriteMarkdown(cmd.OutOrStdout())
	default:
		return table.WriteTable(cmd.OutOrStdout())
	}
}

// benchCommit says what is measured: the commit, or the version where the build knows no commit.
func benchCommit() string {
	b := thisBuild()
	if b.Commit == "unknown" {
		return b.Version
	}
	return b.Commit
}
