package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/ingest"
)

// storyFlags are those of the commands that are about one signal.
type storyFlags struct {
	*client
	source string
}

func newStoryFlags(g *global, cmd *cobra.Command) *storyFlags {
	f := &storyFlags{client: newClient(g, cmd)}
	f.jsonFlag(cmd, "print JSON")
	cmd.Flags().StringVar(&f.source, "source", "", "source of the signal, where several sources use the id (default: that of the latest verdict)")
	return f
}

// tell finds out what there is to know about a signal.
func (f *storyFlags) tell(ctx context.Context, cmd *cobra.Command, id string) (*cli.Story, error) {
	decoder, err := ingest.New(ingest.DefaultConfig())
	if err != nil {
		return nil, err
	}
	b, err := f.connect(ctx, cmd)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	teller := cli.Teller{Bus: b, Decoder: decoder}
	return teller.Tell(ctx, id, f.source)
}

func newExplain(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Say why a signal ended as it did",
		Long: `Say why a signal ended as it did: its verdict and what led to it, the situation that it
belongs to as that stands now, the plan for it, and where the signal is dead, the reason.
A signal without a verdict is looked for in the streams of the layers. Exit code 1 where
nothing is known of it.`,
		Example: `  hal9 explain web-17
  hal9 explain 17 --source shop --json`,
		Args: cobra.ExactArgs(1),
	}
	f := newStoryFlags(g, cmd)
	cmd.Flags().StringVar(&f.config, "config", "", "configuration file, for what its rules say; hal9.yaml in this folder is read where it exists")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		story, err := f.tell(cmd.Context(), cmd, args[0])
		if err != nil {
			return err
		}
		if f.json {
			return story.JSON(cmd.OutOrStdout())
		}
		file, err := command.LoadConfig(f.config)
		if err != nil {
			return err
		}
		rules := make(map[string]string, len(file.Rules))
		for _, rule := range file.Rules {
			rules[rule.Name] = rule.When
		}
		explain := cli.Explain{Screen: screen(cmd), Place: time.Local, Now: time.Now, Rules: rules}
		return explain.Print(story)
	}
	return cmd
}

func newTrace(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Show a signal's hops and times",
		Long: `Show a signal's way through the layers: how long it waited in each stream and how long each
layer took, as a waterfall, with the trace id under which it is found in a tracing system.
Exit code 1 where the signal has no verdict yet.`,
		Example: `  hal9 trace web-17
  hal9 trace 17 --source shop --json`,
		Args: cobra.ExactArgs(1),
	}
	f := newStoryFlags(g, cmd)
	jaeger := cmd.Flags().String("jaeger", "", "address of Jaeger's page, such as http://localhost:16686, to print a link")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		story, err := f.tell(cmd.Context(), cmd, args[0])
		if err != nil {
			return err
		}
		trace, ok := story.Trace()
		if !ok {
			return fmt.Errorf("no verdict on %s yet: it waits for %s; see `hal9 explain %s`", args[0], story.Underway.Layer, args[0])
		}
		if *jaeger != "" {
			trace.Link = strings.TrimSuffix(*jaeger, "/") + "/trace/" + trace.TraceID
		}
		if f.json {
			return trace.JSON(cmd.OutOrStdout())
		}
		return trace.Print(screen(cmd))
	}
	return cmd
}
