package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/cli"
)

type sendFlags struct {
	*client
	options cli.SendOptions
	value   float64
	wait    bool
	timeout time.Duration
}

func newSend(g *global) *cobra.Command {
	f := &sendFlags{}
	cmd := &cobra.Command{
		Use:   "send [TEXT]",
		Short: "Publish one signal",
		Long: `Publish one signal and print its id. TEXT is read as a line of a log would be: a number is
a value, and a severity that it states counts unless --severity says another. "-" reads
the text from standard input. With --wait the verdict is printed, too.

Publishing the same --id and --source again is the same signal again.`,
		Example: `  hal9 send --source web --severity error "disk is full on db-1"
  hal9 send --source web --key db-1 --value 93.5 --wait
  hal9 send --source shop --payload '{"order":17,"message":"payment failed"}' --label region=eu
  df -h / | tail -1 | hal9 send --source disk -`,
		Args: cobra.MaximumNArgs(1),
	}
	f.client = newClient(g, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) }
	f.configFlag(cmd)
	f.jsonFlag(cmd, "print a receipt, and the verdict with --wait, as JSON")
	flags := cmd.Flags()
	flags.StringVar(&f.options.Source, "source", "", `who says so (default "`+cli.DefaultSource+`")`)
	flags.StringVar(&f.options.Key, "key", "", "the entity it is about (default: what the signal or the source's rule names, else the source)")
	flags.StringVar(&f.options.Key, "subject", "", "the same as --key")
	flags.StringVar(&f.options.Type, "type", "", "what kind of thing it is")
	flags.StringVar(&f.options.Severity, "severity", "", "debug, info, warning, error or critical")
	flags.Float64Var(&f.value, "value", 0, "the measured value")
	flags.StringToStringVar(&f.options.Labels, "label", nil, "name=value; may be repeated")
	flags.StringVar(&f.options.ID, "id", "", "id of the signal (default a new one)")
	flags.StringVar(&f.options.Time, "time", "", "when it happened, RFC 3339 or Unix time (default now)")
	flags.StringVar(&f.options.Payload, "payload", "", "JSON object that the signal carries; what HAL9 recognises in it counts, flags go first")
	flags.BoolVar(&f.wait, "wait", false, "wait for the verdict")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long --wait waits")
	cmd.MarkFlagsMutuallyExclusive("key", "subject")
	complete(cmd, "severity", severities()...)
	return cmd
}

// maxText bounds what is read from standard input, bytes.
const maxText = 1 << 20

func (f *sendFlags) run(cmd *cobra.Command, args []string) error {
	if f.timeout <= 0 {
		return fmt.Errorf("--timeout %s: want more than 0", f.timeout)
	}
	if err := f.readText(cmd.InOrStdin(), args); err != nil {
		return err
	}
	if cmd.Flags().Changed("value") {
		f.options.Value = &f.value
	}
	if f.wait {
		f.options.Wait = f.timeout
	}
	f.options.JSON = f.json
	b, err := f.connect(cmd.Context(), cmd)
	if err != nil {
		return err
	}
	defer b.Close()
	door, err := f.door(b)
	if err != nil {
		return err
	}
	send := cli.Send{Options: f.options, Door: door, Bus: b, Screen: screen(cmd), Place: time.Local}
	return send.Run(cmd.Context())
}

func (f *sendFlags) readText(in io.Reader, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if args[0] != "-" {
		f.options.Text = args[0]
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(in, maxText+1))
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if len(text) > maxText {
		return fmt.Errorf("standard input has more than %d bytes: one signal can't hold that; see `hal9 feed -` for many", maxText)
	}
	if f.options.Text = strings.TrimSpace(string(text)); f.options.Text == "" {
		return errors.New("standard input is empty")
	}
	return nil
}
