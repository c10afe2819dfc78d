package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/journal"
)

// exitError ends the process with a code that says more than failure, where the command has said why itself.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("hal9: exit code %d", e.code) }

// global are the flags that every command has.
type global struct {
	logLevel  string
	logFormat string
	journal   journal.Journal
}

func newRoot() *cobra.Command {
	g := &global{}
	root := &cobra.Command{
		Use:   "hal9",
		Short: "Triage engine for signal streams on NATS JetStream",
		Long: `HAL9 triages signals: log lines, metric samples, alerts, events. Five layers look at them
in turn, each slower and wider than the last; each answers what it can, so that only
the rest climbs.

Flags can be set by environment variables: --nats-port is HAL9_NATS_PORT.`,
		Example: `  hal9 up                                     everything in one process, with its own NATS
  hal9 send --source web --severity error "disk is full on db-1"
  hal9 tail                                   what HAL9 answers, live`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return command.FromEnvironment(cmd.Flags(), os.LookupEnv)
		},
	}
	root.PersistentFlags().StringVar(&g.logLevel, "log-level", "info", "least severe log line to write: debug, info, warn, error")
	root.PersistentFlags().StringVar(&g.logFormat, "log-format", "text", "text or json, on stderr")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
	})
	root.AddCommand(commands(g)...)
	return root
}

// commands lists what stands behind hal9, in the order of a first day with it.
func commands(g *global) []*cobra.Command {
	return []*cobra.Command{
		newUp(g), newSend(g), newFeed(g), newTail(g), newExplain(g), newTrace(g),
		newSilence(g), newAck(g), newDead(g), newRun(g), newWeb(g), newScaler(g), newProvision(g), newHealth(), newSLO(g), newTrends(g), newFeedback(g), newOutcome(g), newTuning(g),
		newLint(), newTest(), newShadow(g), newBench(g), newLoad(g), newDoctor(g), newEmergency(g), newVersion(),
	}
}

// logger returns the log that the global flags ask for.
func (g *global) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(g.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %q: want debug, info, warn or error", g.logLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch g.logFormat {
	case "text":
		return slog.New(g.journal.Handler(slog.NewTextHandler(w, options))), nil
	case "json":
		return slog.New(g.journal.Handler(slog.NewJSONHandler(w, options))), nil
	default:
		return nil, fmt.Errorf("--log-format %q: want text or json", g.logFormat)
	}
}
