package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/layers"
)

type redriveFlags struct {
	*client
	letterFilter
	all     bool
	to      string
	options dead.Options
}

func newDeadRedrive(g *global) *cobra.Command {
	f := &redriveFlags{options: dead.DefaultOptions()}
	cmd := &cobra.Command{
		Use:   "redrive [NUMBER|SIGNAL-ID ...]",
		Short: "Put dead letters back into a layer",
		Long: `Put dead letters back into a layer, at a chosen rate. Which: those named, or those that
--layer, --source, --since and --reason choose; --all, or --to without any of them, means
all that were not redriven.

Each is a new attempt with an id of its own, <id>~redrive-<number of the letter>, and gets a
verdict of its own; the first, "dead", stays. A letter is put back once, however often this is
run: after Ctrl-C, a crash or a kill the same command goes on where it was.

--to L1, the default, enters what was sent once more, to be read and answered as if it came
now. Letters of L2 to L5 can also go to their own layer or one below it, letters of L1 that
can be read also to L2.

Exit code 1 where a letter can't be put back, or where it did not come to its end.`,
		Example: `  hal9 dead redrive 17 web-18
  hal9 dead redrive --all --dry-run
  hal9 dead redrive --layer L3 --reason panicked --to L3 --rate 100
  hal9 dead redrive --all --rate 0`,
	}
	f.client = newClient(g, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) }
	f.configFlag(cmd)
	f.filterFlags(cmd)
	f.jsonFlag(cmd, "print the summary as JSON")
	flags := cmd.Flags()
	flags.BoolVar(&f.all, "all", false, "all letters that were not redriven")
	flags.StringVar(&f.to, "to", layers.NameL1.String(), "layer to put them back into: L1 to L5")
	flags.Float64Var(&f.options.Rate, "rate", f.options.Rate, "signals per second; 0 for as fast as they are stored")
	flags.BoolVar(&f.options.DryRun, "dry-run", false, "say what would be done and do nothing")
	flags.DurationVar(&f.options.Patience, "patience", f.options.Patience, "how long HAL9 may be full or NATS away before the redrive gives up")
	complete(cmd, "to", words(layers.Names())...)
	return cmd
}

func (f *redriveFlags) run(cmd *cobra.Command, args []string) error {
	// Who says where to and nothing else means all.
	f.all = f.all || cmd.Flags().Changed("to") && len(args) == 0
	target, err := f.check(args)
	if err != nil {
		return err
	}
	b, shelf, err := f.shelf(cmd)
	if err != nil {
		return err
	}
	defer b.Close()
	door, err := f.door(b)
	if err != nil {
		return err
	}
	partitions, err := b.Partitions(cmd.Context())
	if err != nil {
		return err
	}
	notes := cmd.ErrOrStderr()
	redrive := cli.Redrive{
		Names: args, Filter: f.filter, Shelf: shelf, Notes: notes, Terminal: cli.IsTerminal(notes),
		Redrive: dead.Redrive{
			Bus: b, Options: f.options, Now: time.Now,
			Planner: dead.Planner{Decoder: door.Decoder, Target: target, Partitions: partitions, MaxBytes: b.MaxPayload()},
		},
	}
	outcome, err := redrive.Run(cmd.Context())
	if outcome.Target == "" {
		return err // It never began.
	}
	return errors.Join(f.print(cmd, &outcome), redriveError(&outcome, err))
}

// check reads the flags.
func (f *redriveFlags) check(args []string) (layers.Name, error) {
	target, err := layers.ParseName(f.to)
	if err != nil {
		return 0, fmt.Errorf("--to: %q is no layer: want L1, L2, L3, L4 or L5", f.to)
	}
	if err := f.parse(); err != nil {
		return 0, err
	}
	if err := f.options.Validate(); err != nil {
		return 0, err
	}
	if math.IsInf(f.options.Rate, 1) {
		f.options.Rate = 0
	}
	chosen := 0
	for _, given := range []bool{len(args) > 0, f.all || !f.filter.IsEmpty()} {
		if given {
			chosen++
		}
	}
	switch chosen {
	case 0:
		return 0, errors.New("which letters? name them, choose them with --layer, --source, --since or --reason, or say --all")
	case 2:
		return 0, errors.New("letters are named, and chosen by flags as well: want one or the other")
	}
	host, _ := os.Hostname()
	f.options.Owner = host + "/" + strconv.Itoa(os.Getpid())
	return target, nil
}

func (f *redriveFlags) print(cmd *cobra.Command, outcome *dead.Outcome) error {
	if f.json {
		return cli.OutcomeJSON(cmd.OutOrStdout(), outcome)
	}
	return cli.PrintOutcome(cmd.OutOrStdout(), outcome)
}

// redriveError is nil where every letter is put back, now or before.
func redriveError(outcome *dead.Outcome, err error) error {
	if err == nil && outcome.Failed+outcome.Gone > 0 {
		return command.ErrSilent
	}
	return err
}
