package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bus"
)

type provisionFlags struct {
	bus      bus.Config
	topology bus.Topology
	config   string
	dryRun   bool
	json     bool
}

func newProvision(g *global) *cobra.Command {
	f := &provisionFlags{bus: bus.DefaultConfig(), topology: bus.DefaultTopology()}
	cmd := &cobra.Command{
		Use:   "provision",
		Short: "Make the streams, consumers and buckets that the layers need",
		Long: `Make the streams, consumers and buckets that the layers need: compare what is there with
what should be, show the difference, apply it. It can be run any number of times and never
deletes anything. The number of partitions is fixed by the first run.`,
		Example: `  hal9 provision --nats nats://localhost:4222 --dry-run
  hal9 provision --nats nats://localhost:4222 --partitions 60 --replicas 3`,
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
	flags.BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (f *provisionFlags) run(cmd *cobra.Command, g *global) error {
	log, err := g.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	file, err := loadConfig(f.config)
	if err != nil {
		return err
	}
	f.topology.Sinks = sinkDurables(file.Sinks)
	b, err := bus.Connect(f.bus, log)
	if err != nil {
		return err
	}
	defer b.Close()
	plan, err := b.Plan(cmd.Context(), f.topology)
	if err != nil {
		return err
	}
	if err := f.print(cmd.OutOrStdout(), plan); err != nil || f.dryRun {
		return err
	}
	return b.Apply(cmd.Context(), plan)
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
