package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/load"
)

type loadFlags struct {
	*client
	load   load.Config
	limits load.Limits
}

func newLoad(g *global) *cobra.Command {
	f := &loadFlags{load: load.DefaultConfig(), limits: load.DefaultLimits()}
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Play concurrent users of a running HAL9 and measure what they see",
		Long: `Play concurrent users of a running HAL9 and measure what they see. At random times, fixed by
--seed, each user does one of these, in shares set by --mix:
  http     publish one signal over HTTP, until it is accepted
  nats     publish one signal over NATS, until it is stored
  verdict  publish one signal over NATS, until its verdict is here
  status   read /v1/status
  tail     follow the verdicts, until the first is shown; it stays open for 3 s more

The load is open: latency counts from when an operation was due, also where its user was
still busy with the one before. A target that stands still is seen by all that was due
meanwhile. The latencies hold what succeeded and what ran out of time; what failed
at once is counted by its kind. A user who is refused (HTTP 429 or 503, a full stream) waits
as long as Retry-After says and does not try the same again. Users share 5 NATS clients
with 2 connections each and one subscription for verdicts; each has an HTTP connection where
it needs one.

What it does to the target: the signals are real. They stay in its streams, where each takes
some 2 kB from its way in to its verdict; they open situations, get plans and reach your
sinks, so that somebody may be paged: 1 line in 2,000 is critical. All their sources begin
with "load-", which rules and the conditions of sinks can tell them by. Nothing is deleted
afterwards. Before the users begin, two signals make sure that --http and --nats belong
to one HAL9, and that it answers.

Exit code 1 outside the limits, or where the run could not begin. The limit on p99 is for each
operation and for all together. Ctrl-C ends early and reports what was measured until then.`,
		Example: `  hal9 load --users 1000 --for 60s
  hal9 load --users 200 --rate 5000 --limit-p99 100ms --limit-errors 0.1%
  hal9 load --mix nats=80,verdict=20 --json > load.json`,
		Args: cobra.NoArgs,
	}
	f.client = newClient(g, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return f.run(cmd) }
	f.jsonFlag(cmd, "print the result as one JSON object")
	flags := cmd.Flags()
	flags.StringVar(&f.load.HTTP, "http", f.load.HTTP, "base URL of page and API")
	flags.IntVar(&f.load.Users, "users", f.load.Users, "concurrent users")
	flags.DurationVar(&f.load.For, "for", f.load.For, "how long they do things; what is late may take up to --timeout more")
	flags.Float64Var(&f.load.Rate, "rate", 0, "operations per second of all users together; 0 for one per user and second")
	flags.Var((*mix)(&f.load.Mix), "mix", "weights of operations; what is not named is not done")
	flags.DurationVar(&f.load.Timeout, "timeout", f.load.Timeout, "how long one operation may take once begun, its verdict included")
	flags.Uint64Var(&f.load.Seed, "seed", f.load.Seed, "of schedule, operations and signals")
	flags.DurationVar(&f.limits.P99, "limit-p99", f.limits.P99, "exit code 1 where the latency's p99 is above; 0 for no limit")
	flags.Var((*percent)(&f.limits.Errors), "limit-errors", "exit code 1 where a larger share of operations fails; 0 for no limit")
	return cmd
}

// gcPercent is how much the heap of a load may grow until it is collected.
const gcPercent = 400

func (f *loadFlags) run(cmd *cobra.Command) error {
	f.load.NATS = f.bus
	if err := errors.Join(f.load.Validate(), f.limits.Validate()); err != nil {
		return err
	}
	log, err := f.global.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	// The heap is a few megabytes, and each collection scans the stacks of all users: CPU that the
	// target, often on the same machine, has better use for.
	debug.SetGCPercent(gcPercent)
	notes := cmd.ErrOrStderr()
	progress := load.NewProgress(notes, cli.IsTerminal(notes), f.load.For)
	f.load.Period = progress.Period()
	result, err := load.Run(cmd.Context(), f.load, log, progress.Show)
	progress.End()
	if err != nil {
		return err
	}
	report := load.Report{Result: result, Limits: f.limits}
	write := report.Print
	if f.json {
		write = report.JSON
	}
	return errors.Join(write(cmd.OutOrStdout()), report.Err())
}

// mix is a flag for a mix.
type mix load.Mix

// Set implements pflag.Value.
func (m *mix) Set(text string) error {
	parsed, err := load.ParseMix(text)
	if err != nil {
		return errors.New(command.OneLine(err))
	}
	*m = mix(parsed)
	return nil
}

// String implements pflag.Value.
func (m *mix) String() string { return load.Mix(*m).String() }

// Type implements pflag.Value.
func (m *mix) Type() string { return "weights" }

// percent is a flag for a share: 1 %, or 0.
type percent float64

// Set implements pflag.Value.
func (p *percent) Set(text string) error {
	number, ok := strings.CutSuffix(strings.TrimSpace(text), "%")
	value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || (!ok && value != 0) {
		return errors.New("want a percentage such as 1%, or 0")
	}
	*p = percent(value / 100)
	return nil
}

// String implements pflag.Value.
func (p *percent) String() string { return fmt.Sprintf("%g%%", 100*float64(*p)) }

// Type implements pflag.Value.
func (p *percent) Type() string { return "percent" }
