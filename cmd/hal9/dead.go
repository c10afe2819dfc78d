package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/layers"
)

func newDead(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "Look at dead letters and put them back",
		Long: `Look at dead letters and put them back. A signal that could not be read or processed has
the verdict "dead", and a letter in the stream HAL9_DEAD that keeps its original bytes with
the reason. Letters are named by their number, or by the id of their signal.`,
		Example: `  hal9 dead ls
  hal9 dead show 17
  hal9 dead redrive --all --dry-run`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDeadList(g), newDeadShow(g), newDeadRedrive(g))
	return cmd
}

// letterFilter are the flags that say which letters are meant.
type letterFilter struct {
	filter dead.Filter
	since  string
}

func (f *letterFilter) filterFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.filter.Layer, "layer", "", "letters of this layer: L1 to L5, sink or action (default all)")
	flags.StringVar(&f.filter.Source, "source", "", "letters of signals of this source (default all)")
	flags.StringVar(&f.since, "since", "", "letters since then: how long ago, such as 1h, or a time in RFC 3339 (default all)")
	flags.StringVar(&f.filter.Reason, "reason", "", "letters whose reason holds this text, in either case (default all)")
	complete(cmd, "layer", append(words(layers.Names()), "sink", "action")...)
	complete(cmd, "since", "5m", "1h", "24h")
}

func (f *letterFilter) parse() error {
	if f.filter.Layer != "" && f.filter.Layer != "sink" && f.filter.Layer != "action" {
		layer, err := layers.ParseName(f.filter.Layer)
		if err != nil {
			return fmt.Errorf("--layer: %q is no layer: want L1, L2, L3, L4, L5, sink or action", f.filter.Layer)
		}
		f.filter.Layer = layer.String()
	}
	from, err := cli.ParseFrom(f.since, time.Now())
	if err != nil || f.since == "now" {
		return fmt.Errorf("--since %q is no time: want how long ago, such as 1h, or RFC 3339 such as 2026-01-31T10:00:00Z", f.since)
	}
	f.filter.Since = from.Since
	return nil
}

type deadListFlags struct {
	*client
	letterFilter
	limit int
}

// listed is how many letters are listed for people where nothing is said.
const listed = 20

func newDeadList(g *global) *cobra.Command {
	f := &deadListFlags{}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List dead letters, newest first",
		Long: `List dead letters, newest first, below a summary that counts them by layer and kind of
reason. Letters that were redriven are left out unless --redriven is given. With --json
each line is one letter, and there is no summary. Nothing is changed.`,
		Example: `  hal9 dead ls
  hal9 dead ls --layer L1 --since 1h --reason "broken JSON" --limit 100
  hal9 dead ls --json | jq -r .source | sort | uniq -c`,
		Args: cobra.NoArgs,
	}
	f.client = newClient(g, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return f.run(cmd) }
	f.filterFlags(cmd)
	f.jsonFlag(cmd, "print JSON, one letter a line")
	cmd.Flags().IntVar(&f.limit, "limit", listed, "letters to list; 0 for all; with --json the default is all")
	cmd.Flags().BoolVar(&f.filter.Redriven, "redriven", false, "list letters that were redriven, too")
	return cmd
}

func (f *deadListFlags) run(cmd *cobra.Command) error {
	if f.limit < 0 {
		return fmt.Errorf("--limit %d: want a number of letters, or 0 for all", f.limit)
	}
	if err := f.parse(); err != nil {
		return err
	}
	if f.json && !cmd.Flags().Changed("limit") {
		f.limit = 0
	}
	b, shelf, err := f.shelf(cmd)
	if err != nil {
		return err
	}
	defer b.Close()
	list := cli.Letters{
		Options: cli.LettersOptions{Filter: f.filter, Limit: f.limit, JSON: f.json},
		Shelf:   shelf, Screen: screen(cmd), Now: time.Now, Hint: natsFlag(f.bus.URL),
	}
	return list.Run(cmd.Context())
}

// shelf opens the dead letters.
func (c *client) shelf(cmd *cobra.Command) (*bus.Bus, *dead.Shelf, error) {
	b, err := c.connect(cmd.Context(), cmd)
	if err != nil {
		return nil, nil, err
	}
	shelf, err := dead.Open(cmd.Context(), b)
	if err != nil {
		b.Close()
		return nil, nil, err
	}
	return b, shelf, nil
}

func newDeadShow(g *global) *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:   "show NUMBER|SIGNAL-ID",
		Short: "Show one dead letter: reason, headers, original bytes, what to do",
		Long: `Show one dead letter: why and where the signal died, its headers and original bytes, and
what can be done. A number is that of a letter; for a signal whose id is a number, write
id:17. Nothing is changed.`,
		Example: `  hal9 dead show 17
  hal9 dead show web-17 --json
  hal9 dead show 17 --raw > original.bin`,
		Args: cobra.ExactArgs(1),
	}
	f := newClient(g, cmd)
	f.jsonFlag(cmd, "print JSON")
	cmd.Flags().BoolVar(&raw, "raw", false, "print the original payload and nothing else, byte for byte")
	cmd.MarkFlagsMutuallyExclusive("json", "raw")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		b, shelf, err := f.shelf(cmd)
		if err != nil {
			return err
		}
		defer b.Close()
		show := cli.ShowLetter{
			Form: cli.LetterPage, Shelf: shelf, Screen: screen(cmd), Place: time.Local, Now: time.Now, Hint: natsFlag(f.bus.URL),
		}
		switch {
		case f.json:
			show.Form = cli.LetterJSON
		case raw:
			show.Form = cli.LetterRaw
		}
		return show.Run(cmd.Context(), args[0])
	}
	return cmd
}
