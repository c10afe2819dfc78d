package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/command"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "hal9-keda",
		Short: "Write, check and try out how KEDA scales HAL9's layers",
		Long: `hal9-keda renders the ScaledObjects with which KEDA scales HAL9's layers, checks ScaledObjects
(anybody's) for traps that KEDA does not tell of, and replays a load through the autoscaler's
algorithm to show what it would do.

Every flag can be set by an environment variable: --namespace is HAL9_NAMESPACE.`,
		Example: `  hal9-keda render --out keda
  hal9-keda lint keda
  hal9-keda simulate --shape spike --to 24000`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return command.FromEnvironment(cmd.Flags(), os.LookupEnv)
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
	})
	root.AddCommand(newRender(), newLint(), newSimulate())
	return root
}
