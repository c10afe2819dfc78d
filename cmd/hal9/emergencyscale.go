package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/emergency"
	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

type scaleFlags struct {
	*crisis

	options    emergency.Options
	layers     []string
	mode       string
	steps      []emergency.Step // what was done
	bus        *bus.Bus         // nil where NATS can't be reached, and with it gauge
	gauge      *bus.Gauge
	partitions int // 0 unknown
}

func newEmergencyScale(g *global) *cobra.Command {
	f := &scaleFlags{crisis: newCrisis(g), options: emergency.DefaultOptions()}
	cmd := &cobra.Command{
		Use:   "scale",
		Short: "Give layers more replicas now, and keep the autoscaler from taking them away",
		Long: `Give layers more replicas now, and keep the autoscaler from taking them away: the bounds of KEDA's
ScaledObject and of the HPA are raised, the Deployment is scaled, and the pods are watched until
they are ready, or it is said what holds them back. Nothing is changed without --yes.

The exact way back is written first: a record for hal9 emergency restore, and a shell script.
Without --layer: those that are behind, where NATS can be asked; otherwise all.`,
		Example: `  hal9 emergency scale --layer L3
  hal9 emergency scale --layer L3 --replicas 20 --yes
  hal9 emergency scale --layer L2,L3 --replicas 30 --for 4h --context prod --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.flags(cmd)
	connectionFlags(cmd, &f.crisis.bus)
	flags := cmd.Flags()
	flags.StringSliceVar(&f.layers, "layer", nil, "which layers: L1 to L5, several separated by commas, or all")
	complete(cmd, "layer", append(words(layers.Names()), "all")...)
	flags.IntVar(&f.options.Replicas, "replicas", f.options.Replicas, "replicas of each; HAL9_REPLICAS, the copies of streams, does not set it")
	command.NotFromEnvironment(flags, "replicas")
	flags.StringVar(&f.mode, "mode", string(f.options.Mode), "raise the bounds, so that KEDA may still add pods, or pause KEDA at the number")
	complete(cmd, "mode", "raise", "pause")
	flags.DurationVar(&f.options.For, "for", f.options.For, "after this time restoring is urged, by hal9 doctor and hal9 emergency")
	flags.DurationVar(&f.options.Timeout, "timeout", f.options.Timeout, "for how long pods are waited for")
	flags.StringVar(&f.record, "record", "", "file of the way back; default below ~/.local/state/hal9")
	flags.BoolVar(&f.yes, "yes", false, "do it; without it only what would be done is shown")
	return cmd
}

func (f *scaleFlags) run(cmd *cobra.Command) error {
	f.options.Mode = emergency.Mode(strings.ToLower(f.mode))
	f.options.By = osUser() + "@" + host()
	named, err := emergency.ParseLayers(f.layers)
	if err == nil {
		err = f.options.Validate()
	}
	if err != nil {
		return err
	}
	screen := f.screen(cmd)
	log, err := f.logger(cmd)
	if err != nil {
		return err
	}
	if why := f.connect(cmd.Context(), log); why != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "queues are not known: "+command.OneLine(why))
	} else {
		defer f.bus.Close()
	}
	queues, unmeasured := f.queues(cmd.Context(), lookTime)
	maps.DeleteFunc(unmeasured, func(layer layers.Name, _ string) bool { return len(named) > 0 && !slices.Contains(named, layer) })
	if f.options.Layers = named; len(named) == 0 {
		if f.options.Layers, err = f.choose(queues, unmeasured); err != nil {
			return err
		}
	}
	draft, err := emergency.Prepare(cmd.Context(), f.kube, f.options, f.record)
	if err != nil {
		return err
	}
	f.warn(draft, unmeasured)
	if !f.json {
		screen.Plan(draft, queues, f.yes)
	}
	switch {
	case draft.Idle():
		return f.finish(screen, draft, nil, errors.New("nothing to do"))
	case !f.yes:
		if f.json {
			return f.print(screen, draft, nil)
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "  > "+kube.Quote(os.Args...)+" --yes")
		return err
	}
	return f.do(cmd, screen, draft)
}

// host names where it is done: whoever wakes up next wants to know.
func host() string {
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "unknown"
}

func (f *scaleFlags) do(cmd *cobra.Command, screen cli.Crisis, draft *emergency.Draft) error {
	ctx := cmd.Context()
	err := draft.Apply(ctx, f.kube, func(step emergency.Step) {
		f.steps = append(f.steps, step)
		screen.Step(step)
	})
	switch {
	case err != nil && len(f.steps) == 0:
		return err // Not even the way back could be written.
	case err != nil:
		return f.finish(screen, draft, nil, err)
	}
	began := time.Now()
	last, shown := draft.Watch(ctx, f.kube, f.options.Timeout, func(list []emergency.Progress) {
		queues, _ := f.queues(ctx, glanceTime)
		screen.Progress(list, queues, time.Since(began))
	}), false
	for i := range last {
		shown = shown || !last[i].Done()
	}
	if !shown {
		return f.finish(screen, draft, last, nil)
	}
	why := fmt.Errorf("not all pods are ready after %s; the autoscaler's bounds are raised, so they will come as soon as they can", f.options.Timeout)
	if ctx.Err() != nil {
		why = errors.New("stopped while pods were starting; what was changed stays changed")
	}
	return f.finish(screen, draft, last, why)
}

func (f *scaleFlags) restoreCommand() string {
	words := []string{"hal9", "emergency", "restore"}
	if f.record != "" {
		words = append(words, f.record)
	}
	return kube.Quote(words...) + f.kube.Flags() + " --yes"
}

// finish says what came of it; why is why it is not what was wanted.
func (f *scaleFlags) finish(screen cli.Crisis, draft *emergency.Draft, last []emergency.Progress, why error) error {
	if f.json {
		return errors.Join(f.print(screen, draft, last), why)
	}
	screen.Holds(last)
	if !draft.Idle() {
		screen.Back(draft, f.restoreCommand())
	}
	return why
}

// print writes it for programs.
func (f *scaleFlags) print(screen cli.Crisis, draft *emergency.Draft, last []emergency.Progress) error {
	encoder := json.NewEncoder(screen.Screen.Out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(emergency.Summarize(draft, f.steps, last, !f.yes))
}
