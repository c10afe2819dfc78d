package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/layers"
)

type tailFlags struct {
	*client
	options      cli.TailOptions
	kinds        []string
	layers       []string
	dispositions []string
	severity     string
	from         string
}

func newTail(g *global) *cobra.Command {
	f := &tailFlags{}
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show what HAL9 answers, live",
		Long: `Show verdicts, situations and plans as they are published. The columns of a verdict are
time, layer, disposition, severity, source, key, reason and the signal's id.

With --json each line is one JSON object exactly as it was published: a verdict has
"signal_id", a situation "members", a plan "steps". --layer, --disposition and --source
are about verdicts: where one is given, only verdicts are shown unless --kind asks for more.

A restart of NATS costs no line and repeats none.`,
		Example: `  hal9 tail
  hal9 tail --severity warning --disposition resolved --layer L4,L5
  hal9 tail --kind situations --from 1h
  hal9 tail --json --from start --count 100 --timeout 30s > verdicts.jsonl`,
		Args: cobra.NoArgs,
	}
	f.client = newClient(g, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return f.run(cmd) }
	f.jsonFlag(cmd, "print JSON as it was published, one object a line")
	flags := cmd.Flags()
	filter := &f.options.Filter
	flags.StringSliceVar(&f.kinds, "kind", nil, "verdicts, situations, plans (default all)")
	flags.StringSliceVar(&f.layers, "layer", nil, "verdicts of these layers: L1 to L5 (default all)")
	flags.StringSliceVar(&f.dispositions, "disposition", nil, "verdicts of these dispositions: suppressed, resolved, folded, dead (default all)")
	flags.StringSliceVar(&filter.Sources, "source", nil, "verdicts on signals of these sources (default all)")
	flags.StringSliceVar(&filter.Keys, "key", nil, "what is about these keys (default all)")
	flags.StringVar(&f.severity, "severity", "", "at least this severity: debug, info, warning, error or critical (default all)")
	flags.StringVar(&f.from, "from", "now", "where to begin: start, now, a time in RFC 3339, or how long ago, such as 5m")
	flags.IntVar(&f.options.Count, "count", 0, "stop after so many verdicts, or of whatever is shown where verdicts are not; 0 for never")
	flags.DurationVar(&f.options.Timeout, "timeout", 0, "stop after this time, with exit code 1 where --count was not reached; 0 for never")
	complete(cmd, "kind", cli.Kinds()...)
	complete(cmd, "layer", words(layers.Names())...)
	complete(cmd, "disposition", words(cli.FinalDispositions())...)
	complete(cmd, "severity", severities()...)
	complete(cmd, "from", "start", "now", "5m", "1h")
	return cmd
}

// words returns the texts of values.
func words[T fmt.Stringer](values []T) []string {
	list := make([]string, len(values))
	for i, value := range values {
		list[i] = value.String()
	}
	return list
}

func (f *tailFlags) run(cmd *cobra.Command) error {
	if err := f.parse(); err != nil {
		return err
	}
	b, err := f.connect(cmd.Context(), cmd)
	if err != nil {
		return err
	}
	defer b.Close()
	tail := cli.Tail{Options: f.options, Bus: b, Screen: screen(cmd), Notes: cmd.ErrOrStderr()}
	return tail.Run(cmd.Context())
}

func (f *tailFlags) parse() (err error) {
	filter := &f.options.Filter
	if filter.Kinds, err = parseAll("kind", f.kinds, cli.ParseKind); err != nil {
		return err
	}
	if filter.Layers, err = parseAll("layer", f.layers, layers.ParseName); err != nil {
		return err
	}
	if filter.Dispositions, err = parseAll("disposition", f.dispositions, cli.ParseDisposition); err != nil {
		return err
	}
	if filter.Severity, err = layers.ParseSeverity(f.severity); err != nil {
		return flagError("severity", err)
	}
	if f.options.From, err = cli.ParseFrom(f.from, time.Now()); err != nil {
		return flagError("from", err)
	}
	if f.options.Count < 0 || f.options.Timeout < 0 {
		return fmt.Errorf("--count %d, --timeout %s: want 0 or more", f.options.Count, f.options.Timeout)
	}
	f.options.JSON, f.options.Place = f.json, time.Local
	return nil
}

// parseAll reads the values of a flag.
func parseAll[T any](flag string, texts []string, parse func(string) (T, error)) ([]T, error) {
	var values []T
	for _, text := range texts {
		value, err := parse(text)
		if err != nil {
			return nil, flagError(flag, err)
		}
		values = append(values, value)
	}
	return values, nil
}
