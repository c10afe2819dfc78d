package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/tuning"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

func newTuning(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tuning",
		Short: "Look at, apply and take back what feedback changes",
		Long: `Look at, apply and take back what feedback changes: how sensitive L3 is to keys, and the neurons
that L2 has learnt. L5 proposes the next version of a tuning from what people say (hal9
feedback). A proposal stands in the shadow: signals that it would answer otherwise say so in
their verdicts, and nothing changes until somebody applies it.`,
		Example: `  hal9 tuning ls
  hal9 tuning shadow L3
  hal9 tuning apply L3 --revision 12
  hal9 tuning revert L3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newTuningList(g),
		newTuningOf(g, "show", "Show the live version, the proposal and the versions that are kept", showTuning),
		newTuningShadow(g),
		newTuningApply(g),
		newTuningOf(g, "revert", "Go back to the version before, as a new version", revertTuning),
		newTuningOf(g, "drop", "Take the proposal away; what was said so far makes no other one", dropTuning),
	)
	return cmd
}

// shelf opens the tunings.
func (c *client) tunings(cmd *cobra.Command) (*bus.Bus, *tuning.Shelf, error) {
	b, err := c.connect(cmd.Context(), cmd)
	if err != nil {
		return nil, nil, err
	}
	shelf, err := tuning.Open(cmd.Context(), b, time.Now)
	if err != nil {
		b.Close()
	}
	return b, shelf, err
}

func newTuningList(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List the layers with their versions and proposals",
		Example: "  hal9 tuning ls", Args: cobra.NoArgs,
	}
	c := newClient(g, cmd)
	c.jsonFlag(cmd, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		b, shelf, err := c.tunings(cmd)
		if err != nil {
			return err
		}
		defer b.Close()
		var states []*tuning.State
		for _, layer := range tuning.Layers() {
			state, err := shelf.State(cmd.Context(), layer)
			if err != nil {
				return err
			}
			states = append(states, state)
		}
		if c.json {
			return printJSON(cmd.OutOrStdout(), states)
		}
		for _, s := range states {
			proposal := "no proposal"
			if s.Shadow != nil {
				proposal = fmt.Sprintf("version %d proposed: hal9 tuning show %s", s.Shadow.Version, s.Layer)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s  version %d, %s\n", s.Layer, s.Live.Version, proposal)
		}
		return nil
	}
	return cmd
}

// newTuningOf makes a command that is about one layer.
func newTuningOf(g *global, name, short string, do func(context.Context, *tuning.Shelf, layers.Name) (any, error)) *cobra.Command {
	cmd := &cobra.Command{Use: name + " L2|L3", Short: short, Example: "  hal9 tuning " + name + " L3", Args: cobra.ExactArgs(1)}
	c := newClient(g, cmd)
	c.jsonFlag(cmd, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		layer, err := tunedLayer(args[0])
		if err != nil {
			return err
		}
		b, shelf, err := c.tunings(cmd)
		if err != nil {
			return err
		}
		defer b.Close()
		result, err := do(cmd.Context(), shelf, layer)
		if err != nil {
			return err
		}
		if c.json {
			return printJSON(cmd.OutOrStdout(), result)
		}
		writeTuning(cmd.OutOrStdout(), result)
		return nil
	}
	return cmd
}

func tunedLayer(text string) (layers.Name, error) {
	layer, err := layers.ParseName(text)
	if err != nil || !slices.Contains(tuning.Layers(), layer) {
		return 0, fmt.Errorf("%q has no tuning: want L2 or L3", text)
	}
	return layer, nil
}

// tuningPage is what `hal9 tuning show` tells.
type tuningPage struct {
	*tuning.State

	Versions []layers.Tuning `json:"versions"` // that are kept, the oldest first
}

func showTuning(ctx context.Context, s *tuning.Shelf, layer layers.Name) (any, error) {
	state, err := s.State(ctx, layer)
	if err != nil {
		return nil, err
	}
	versions, err := s.Versions(ctx, layer)
	return &tuningPage{state, append([]layers.Tuning{}, versions...)}, err
}

// newTuningApply makes the command that applies the proposal that somebody has looked at.
func newTuningApply(g *global) *cobra.Command {
	var revision uint64
	cmd := newTuningOf(g, "apply", "Make the proposal the live version", func(ctx context.Context, s *tuning.Shelf, layer layers.Name) (any, error) {
		if revision == 0 {
			if state, err := s.State(ctx, layer); err != nil || state.Shadow != nil {
				return nil, errors.Join(err, fmt.Errorf("which proposal? L5 may make another one while you look at it: take the revision from `hal9 tuning show %s` and say --revision", layer))
			}
		}
		t, err := s.Apply(ctx, layer, revision)
		if errors.Is(err, tuning.ErrOther) {
			err = fmt.Errorf("%w: nothing was applied; look again with `hal9 tuning show %s`", err, layer)
		}
		return t, err
	})
	cmd.Flags().Uint64Var(&revision, "revision", 0, "revision of the proposal, as `hal9 tuning show` says it")
	cmd.Example = "  hal9 tuning apply L3 --revision 12"
	return cmd
}

func revertTuning(ctx context.Context, s *tuning.Shelf, layer layers.Name) (any, error) {
	return s.Revert(ctx, layer)
}

func dropTuning(ctx context.Context, s *tuning.Shelf, layer layers.Name) (any, error) {
	if err := s.Drop(ctx, layer); err != nil {
		return nil, err
	}
	return s.State(ctx, layer)
}

func writeTuning(w io.Writer, result any) {
	switch r := result.(type) {
	case *layers.Tuning:
		fmt.Fprintf(w, "live: ")
		writeVersion(w, r)
	case *tuning.State:
		writeState(w, r)
	case *tuningPage:
		writeState(w, r.State)
		for i := len(r.Versions) - 2; i >= 0; i-- {
			fmt.Fprint(w, "before: ")
			writeVersion(w, &r.Versions[i])
		}
	}
}

func writeState(w io.Writer, s *tuning.State) {
	fmt.Fprint(w, "live: ")
	writeVersion(w, &s.Live)
	if s.Shadow != nil {
		fmt.Fprint(w, "proposed: ")
		writeVersion(w, s.Shadow)
		fmt.Fprintf(w, "  hal9 tuning apply %s --revision %d\n", s.Layer, s.Proposal)
	}
	if s.Unreadable != "" {
		fmt.Fprintf(w, "unreadable: %s; hal9 tuning drop %s removes it\n", plain(s.Unreadable), s.Layer)
	}
}

func writeVersion(w io.Writer, t *layers.Tuning) {
	if t.Version == 0 {
		fmt.Fprintf(w, "%s as configured\n", t.Layer)
		return
	}
	fmt.Fprintf(w, "%s version %d\n", t.Layer, t.Version)
	for _, why := range t.Why {
		fmt.Fprintf(w, "  because  %s\n", plain(why))
	}
	for _, s := range t.Sensitivities {
		fmt.Fprintf(w, "  %+d steps  key %s of source %s\n", s.Steps, plain(s.Key), plain(s.Source))
	}
	for i := range t.Neurons {
		n := &t.Neurons[i]
		fmt.Fprintf(w, "  neuron   %s fires as %s from %g on:", plain(n.Name), plain(n.Label), n.Threshold)
		for _, feature := range slices.Sorted(maps.Keys(n.Weights)) {
			fmt.Fprintf(w, " %s %+g", plain(feature), n.Weights[feature])
		}
		fmt.Fprintln(w)
	}
}

// plain keeps control characters off the screen.
func plain(text string) string { return pipeline.OneLine(text) }

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
