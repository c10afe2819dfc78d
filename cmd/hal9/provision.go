package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/command"
)

type provisionFlags struct {
	bus      bus.Config
	topology bus.Topology
	config   string
	dryRun   bool
	check    bool
	wait     time.Duration
	json     bool

	plan []bus.Change // what the first try found
}

func newProvision(g *global) *cobra.Command {
	f := &provisionFlags{bus: bus.DefaultConfig(), topology: bus.DefaultTopology()}
	cmd := &cobra.Command{
		Use:   "provision",
		Short: "Make the streams, consumers and buckets that the layers need",
		Long: `Make the streams, consumers and buckets that the layers need: compare what is there with
what should be, show the difference, apply it. It can be run any number of times and never
deletes anything. The number of partitions is fixed by the first run.

With --wait it bears with a NATS that is still starting. With --check it makes nothing and succeeds
only where nothing is missing; --check --wait is what a pod of a layer does first.`,
		Example: `  hal9 provision --nats nats://localhost:4222 --dry-run
  hal9 provision --nats nats://localhost:4222 --partitions 60 --replicas 3
  hal9 provision --nats nats://localhost:4222 --partitions 60 --replicas 3 --check --wait 10m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, g) },
	}
	flags := cmd.Flags()
	connectionFlags(cmd, &f.bus)
	flags.IntVar(&f.topology.Partitions, "partitions", f.topology.Partitions, "partitions of each keyed layer: the most replicas that can share its work; fixed for life")
	flags.IntVar(&f.topology.Replicas, "replicas", f.topology.Replicas, "copies of each stream and bucket: 1, 3 or 5")
	flags.Int64Var(&f.topology.StoreBytes, "store-bytes", f.topology.StoreBytes, "bound of all streams together, bytes")
	flags.StringVar(&f.config, "config", "", "configuration file, whose sinks need consumers; hal9.yaml in this folder is read where it exists")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would be done and do nothing")
	flags.BoolVar(&f.check, "check", false, "do nothing; exit code 1 where something is missing, also when it is still missing after --wait")
	flags.DurationVar(&f.wait, "wait", 0, "try again for so long where NATS is not ready (or, with --check, not provisioned)")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (f *provisionFlags) run(cmd *cobra.Command, g *global) error {
	if f.check && f.dryRun {
		return errors.New("--check and --dry-run: want one of them")
	}
	if f.wait < 0 {
		return fmt.Errorf("--wait %s: want 0 or more", f.wait)
	}
	log, err := g.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	file, err := command.LoadConfig(f.config)
	if err != nil {
		return err
	}
	f.topology.Sinks = sinkDurables(file.Sinks)
	if err := f.topology.Validate(); err != nil {
		return err
	}
	patience := cli.Patience{
		Bound: f.wait, Pause: 2 * time.Second, Log: log,
		Hopes: func(err error) bool { return !errors.Is(err, bus.ErrConflict) },
	}
	return patience.Try(cmd.Context(), func(ctx context.Context) error { return f.try(ctx, cmd.OutOrStdout(), log) })
}

// try does once what was asked for.
func (f *provisionFlags) try(ctx context.Context, out io.Writer, log *slog.Logger) error {
	b, err := bus.Connect(f.bus, log)
	if err != nil {
		return err
	}
	defer b.Close()
	if f.check {
		return f.missing(ctx, out, b)
	}
	plan, err := b.Plan(ctx, f.topology)
	if err != nil {
		return err
	}
	if f.plan == nil {
		f.plan = plan // Whole, also where it takes several tries.
	}
	if !f.dryRun {
		if err := b.Apply(ctx, plan); err != nil {
			return err
		}
	}
	return f.print(out, f.plan)
}

// missing fails where something is not there. What is there and differs stops nobody: layers work with it.
func (f *provisionFlags) missing(ctx context.Context, out io.Writer, b *bus.Bus) error {
	const named = 3
	names, err := b.Missing(ctx, f.topology)
	if err != nil {
		return err
	}
	switch {
	case f.json && (len(names) == 0 || f.wait == 0):
		err = json.NewEncoder(out).Encode(append([]string{}, names...))
	case len(names) == 0:
		_, err = fmt.Fprintln(out, "nothing is missing")
	}
	if err != nil || len(names) == 0 {
		return err
	}
	rest := ""
	if len(names) > named {
		rest = fmt.Sprintf(" and %d more", len(names)-named)
	}
	return fmt.Errorf("NATS is not provisioned: %s%s missing: run `hal9 provision --nats %s`",
		strings.Join(names[:min(named, len(names))], ", "), rest, b.URL())
}

func (f *provisionFlags) print(w io.Writer, plan []bus.Change) error {
	if f.json {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(plan)
	}
	counts := map[bus.ChangeKind]int{}
	for _, change := range plan {
		counts[change.Kind]++
		if change.Kind == bus.ChangeNone {
			continue
		}
		fmt.Fprintf(w, "%-8s %s\n", change.Kind, change.Resource)
		for _, line := range change.Diffs {
			fmt.Fprintf(w, "           %s\n", line)
		}
	}
	verb := "done"
	if f.dryRun {
		verb = "nothing done (dry run)"
	}
	_, err := fmt.Fprintf(w, "%d to create, %d to update, %d unchanged: %s\n",
		counts[bus.ChangeCreate], counts[bus.ChangeUpdate], counts[bus.ChangeNone], verb)
	return err
}
