package main

import (
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/trial"
)

type testFlags struct {
	config  string
	run     string
	verbose bool
	json    bool
}

func newTest() *cobra.Command {
	f := &testFlags{}
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run the unit tests of a configuration",
		Long: `Run the unit tests of a configuration: signals in, on a virtual clock, and what is
expected of verdicts, situations and plans. The layers are those of a running HAL9; neither
NATS nor time is needed, and nothing is sent anywhere. docs/testing.md describes the files.

Exit code 0 where all tests pass, 1 where one fails or a file is wrong.`,
		Example: `  hal9 test hal9.test.yaml
  hal9 test --config hal9.yaml --run 'health|watchdog' -v tests/*.yaml
  hal9 test --json hal9.test.yaml | jq '.tests[] | select(.failures) | .name'`,
		Args: cobra.MinimumNArgs(1),
		RunE: f.test,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "configuration file; hal9.yaml in this folder is read where it exists")
	flags.StringVar(&f.run, "run", "", "run the tests whose name this regular expression matches (default all)")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show every test with its verdicts, situations and plans")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (f *testFlags) test(cmd *cobra.Command, paths []string) error {
	file, err := command.LoadConfig(f.config)
	if err != nil {
		return err
	}
	wanted, err := regexp.Compile(f.run)
	if err != nil {
		return fmt.Errorf("--run %q: %w", f.run, err)
	}
	var outcomes []*trial.Outcome
	for _, path := range paths {
		loaded, err := trial.Load(path)
		if err != nil {
			return err
		}
		for i := range loaded.Tests {
			if !wanted.MatchString(loaded.Tests[i].Name) {
				continue
			}
			outcome, err := loaded.Run(cmd.Context(), file, i)
			if err != nil {
				return err
			}
			outcomes = append(outcomes, outcome)
		}
	}
	return f.report(cmd, outcomes)
}

func (f *testFlags) report(cmd *cobra.Command, outcomes []*trial.Outcome) (err error) {
	if len(outcomes) == 0 {
		return fmt.Errorf("--run %q: no test has such a name", f.run)
	}
	if f.json {
		err = trial.ReportJSON(cmd.OutOrStdout(), outcomes)
	} else {
		err = trial.Report(cmd.OutOrStdout(), outcomes, f.verbose)
	}
	for _, o := range outcomes {
		if err == nil && !o.Passed() {
			return command.ErrSilent
		}
	}
	return err
}
