package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/cli"
)

type feedFlags struct {
	*client
	options cli.FeedOptions
	format  string
}

func newFeed(g *global) *cobra.Command {
	f := &feedFlags{options: cli.DefaultFeedOptions()}
	cmd := &cobra.Command{
		Use:   "feed FILE|-",
		Short: "Replay a file as signals",
		Long: `Replay a file, or standard input, as signals in their order.

Formats (default: told by the file's extension, else by its first line):
  text          each line is a message, or a number
  csv           the first row names the columns: timestamp (time, date, ...), value,
                message (text, content, ...), severity (level, ...), id, key, source and type are
                recognised; the other columns become labels
  jsonl         each line is a JSON object, string or number, or the file is an array of them
  cloudevents   structured CloudEvents, one a line, or batches
  alertmanager  bodies of Alertmanager's webhook, or arrays of alerts as for /api/v2/alerts

A signal without an id gets SOURCE-LINE: feeding the file again publishes the same
signals, which HAL9 recognises. --id-prefix makes them new ones.

A line that can't be read is reported and skipped, unless --strict is given. Ctrl-C stops
cleanly and says from which line to go on. Exit code 1 where the feed did not reach its
end or no line at all could be read.`,
		Example: `  hal9 feed /var/log/app.log --source app --rate 100
  hal9 feed nyc_taxi.csv --id-prefix run2-
  kubectl logs -f deploy/web | hal9 feed - --source web
  hal9 feed alerts.json --format alertmanager --json`,
		Args: cobra.ExactArgs(1),
	}
	f.client = newClient(g, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) }
	f.configFlag(cmd)
	f.jsonFlag(cmd, "print the summary as JSON")
	flags := cmd.Flags()
	file := &f.options.File
	flags.StringVar(&f.format, "format", "", "text, csv, jsonl, cloudevents or alertmanager")
	flags.StringVar(&file.Source, "source", "", "source of signals that name none (default: the file's name without extension; alerts: alertmanager)")
	flags.StringVar(&file.Subject, "subject", "", "key of all signals, whatever they say")
	flags.Float64Var(&f.options.Rate, "rate", 0, "signals per second; 0 for as fast as it goes")
	flags.IntVar(&f.options.Limit, "limit", 0, "signals at most; 0 for all")
	flags.IntVar(&file.FromLine, "from-line", 1, "first line to read, or where JSON does not keep to lines, first value")
	flags.StringVar(&file.IDPrefix, "id-prefix", "", "text before every id")
	flags.BoolVar(&f.options.Strict, "strict", false, "stop at the first line that can't be read")
	flags.DurationVar(&f.options.Patience, "patience", f.options.Patience, "how long HAL9 may be full or NATS away before the feed gives up")
	complete(cmd, "format", cli.Formats()...)
	return cmd
}

func (f *feedFlags) run(cmd *cobra.Command, name string) error {
	var err error
	file := &f.options.File
	if file.Format, err = cli.ParseFormat(f.format); err != nil {
		return flagError("format", err)
	}
	if err := f.options.Validate(); err != nil {
		return err
	}
	file.Name, file.SourceGiven = name, cmd.Flags().Changed("source")
	in, size, err := openInput(cmd, name)
	if err != nil {
		return err
	}
	defer in.Close()
	b, err := f.connect(cmd.Context(), cmd)
	if err != nil {
		return err
	}
	defer b.Close()
	door, err := f.door(b)
	if err != nil {
		return err
	}
	notes := cmd.ErrOrStderr()
	feed := cli.Feed{Options: f.options, Door: door, Store: b, In: in, Size: size, Notes: notes, Terminal: cli.IsTerminal(notes)}
	summary, err := feed.Run(cmd.Context())
	if summary.Format == "" {
		return err // It never began.
	}
	return errors.Join(f.print(cmd.OutOrStdout(), &summary), outcome(&summary, err))
}

func (f *feedFlags) print(w io.Writer, summary *cli.Summary) error {
	if f.json {
		return summary.JSON(w)
	}
	return summary.Print(w)
}

// outcome is nil where the feed was of use.
func outcome(summary *cli.Summary, err error) error {
	if err == nil && summary.Sent == 0 && summary.Rejected > 0 {
		return fmt.Errorf("none of the %d lines could be read as %s", summary.Rejected, summary.Format)
	}
	return err
}

// openInput opens a file or standard input. The size is 0 where it is not known.
func openInput(cmd *cobra.Command, name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), sizeOf(cmd.InOrStdin()), nil
	}
	file, err := os.Open(name)
	if err != nil {
		if path, ok := errors.AsType[*os.PathError](err); ok {
			err = path.Err
		}
		return nil, 0, fmt.Errorf("can't read %s: %w", name, err)
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, 0, errors.Join(fmt.Errorf("can't read %s: it is a folder", name), file.Close())
	}
	return file, sizeOf(file), nil
}

func sizeOf(in io.Reader) int64 {
	file, ok := in.(*os.File)
	if !ok {
		return 0
	}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		return info.Size()
	}
	return 0
}
