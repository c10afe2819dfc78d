package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/config"
)

func newLint() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lint FILE",
		Short: "Check a configuration file",
		Long: `Check a configuration file: unknown keys, wrong types, impossible values and expressions
that do not compile, each with file, line and column. Exit code 1 where there are errors.`,
		Example: "  hal9 lint hal9.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			problems, err := config.Lint(args[0])
			if err != nil {
				return err
			}
			return printProblems(cmd, args[0], problems, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printProblems(cmd *cobra.Command, file string, problems []config.Problem, asJSON bool) error {
	out := cmd.OutOrStdout()
	failed := false
	for _, problem := range problems {
		failed = failed || !problem.Warning
	}
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(append([]config.Problem{}, problems...)); err != nil {
			return err
		}
	} else {
		for _, problem := range problems {
			fmt.Fprintln(out, problem.Error())
		}
		if len(problems) == 0 {
			fmt.Fprintln(out, file+": fine")
		}
	}
	if failed {
		return command.ErrSilent
	}
	return nil
}
