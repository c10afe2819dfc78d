package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/2lab-ai/hal9/internal/config"
)

// errSilent ends the process with code 1 where the command has said why itself.
var errSilent = errors.New("hal9-keda: failed")

// envPrefix starts the environment variable that stands for a flag: --namespace is
// HAL9_NAMESPACE. A flag on the command line wins.
const envPrefix = "HAL9_"

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
			return fromEnvironment(cmd.Flags(), os.LookupEnv)
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
	})
	root.AddCommand(newRender(), newLint(), newSimulate())
	return root
}

// loadConfig reads the named file, or hal9.yaml in the working folder where it exists, or
// nothing.
func loadConfig(path string) (config.File, error) {
	const usual = "hal9.yaml"
	if path == "" {
		if _, err := os.Stat(usual); err != nil {
			return config.Default(), nil //nolint:nilerr // All of the configuration is optional.
		}
		path = usual
	}
	return config.Load(path)
}

// fromEnvironment sets the flags that the command line leaves unset.
func fromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var problems []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := lookup(name)
		if f.Changed || !ok {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			problems = append(problems, fmt.Errorf("environment variable %s: %w", name, err))
		}
	})
	return errors.Join(problems...)
}
