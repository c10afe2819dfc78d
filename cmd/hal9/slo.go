package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/layers/strategic"
)

func newSLO(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "slo",
		Short: "Objectives: how they stand, and OpenSLO documents",
		Long: `Objectives: how they stand now, with error budgets, burn rates and alerts; and OpenSLO
documents (openslo/v1, kind: SLO), which HAL9 reads and writes. To use such documents, name
their files in objectives_from of hal9.yaml, or import them.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newSLOList(g), newSLOExport(), newSLOImport())
	return cmd
}

func newSLOList(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "Show how the objectives stand",
		Long:    `Show how the objectives stand: budgets, burn rates and alerts, as L5 last reported them (every 2 s).`,
		Example: "  hal9 slo ls\n  hal9 slo ls --json",
		Args:    cobra.NoArgs,
	}
	c := newClient(g, cmd)
	c.jsonFlag(cmd, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		b, err := c.connect(cmd.Context(), cmd)
		if err != nil {
			return err
		}
		defer b.Close()
		list := cli.Objectives{Bus: b, Screen: screen(cmd), JSON: c.json}
		return list.Run(cmd.Context())
	}
	return cmd
}

func newSLOExport() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the objectives as OpenSLO documents",
		Long: `Write the objectives of hal9.yaml, those of its objectives_from and HAL9's own as OpenSLO
documents, one for each. The expressions stand in metricSource.spec.`,
		Example: "  hal9 slo export --config hal9.yaml > slo.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := command.LoadConfig(path)
			if err != nil {
				return err
			}
			text, err := config.FormatOpenSLO(strategic.Config{Objectives: file.Objectives}.All())
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "configuration file; hal9.yaml in this folder is read where it exists")
	return cmd
}

func newSLOImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE...",
		Short: "Turn OpenSLO documents into a section of hal9.yaml",
		Long: `Turn OpenSLO documents into the objectives of hal9.yaml, printed. What HAL9 has no equal of
(time slices, calendar windows, other metric sources, composites) is refused with its line.`,
		Example: "  hal9 slo import slo.yaml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all []strategic.Objective
			var failed []error
			seen := map[string]string{}
			for _, path := range args {
				objectives, err := config.LoadOpenSLO(path)
				failed = append(failed, err)
				for _, o := range objectives {
					if before, twice := seen[o.Name]; twice {
						failed = append(failed, fmt.Errorf("%s: %q is the name of an objective of %s, too", path, o.Name, before))
					}
					seen[o.Name] = path
				}
				all = append(all, objectives...)
			}
			if err := errors.Join(failed...); err != nil {
				return err
			}
			text, err := config.FormatObjectives(all)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
