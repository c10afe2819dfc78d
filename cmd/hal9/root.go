package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/2lab-ai/hal9/internal/journal"
)

// errSilent ends the process with code 1 where the command has said why itself.
var errSilent = errors.New("hal9: failed")

// exitError ends the process with a code that says more than failure, where the command has said why itself.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("hal9: exit code %d", e.code) }

// envPrefix starts the environment variable that stands for a flag: --nats-port is
// HAL9_NATS_PORT. A flag on the command line wins.
const envPrefix = "HAL9_"

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

Every flag can be set by an environment variable: --nats-port is HAL9_NATS_PORT.`,
		Example: `  hal9 up                                     everything in one process, with its own NATS
  hal9 send --source web --severity error "disk is full on db-1"
  hal9 tail                                   what HAL9 answers, live`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return fromEnvironment(cmd.Flags(), os.LookupEnv)
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

// oneLine returns an error as the line that ends the process: the names of packages that
// wrap each other say nothing to whoever reads it.
func oneLine(err error) string {
	text := strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' }), "; ")
	for {
		name, rest, ok := strings.Cut(text, ": ")
		if !ok || !packageName.MatchString(name) {
			return text
		}
		text = rest
	}
}

// packageName matches the packages of this module that may start an error's text.
var packageName = regexp.MustCompile(`^(app|assembly|bare|bench|bus|cli|config|dead|doctor|emergency|escalation|expr|hal9|host|ingest|keda|kube|layers|load|natsserver|oncall|outbound|outcome|pipeline|policy|reflexive|rehearsal|scaling|shadow|trial|tuning|web)$`)
