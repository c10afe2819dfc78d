package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/keda/lint"
)

type lintFlags struct {
	nats       string
	creds      string
	partitions int
	json       bool
}

func newLint() *cobra.Command {
	f := &lintFlags{}
	cmd := &cobra.Command{
		Use:   "lint FILE…|DIR…",
		Short: "Find traps in ScaledObjects, HAL9's or anybody's",
		Long: `Find traps in ScaledObjects, HAL9's or anybody's: what KEDA refuses, and what KEDA takes and then does
not do as meant. All YAML files of a folder and those below are read; - is the standard input. Exit code
1 where there are errors. Names of streams and consumers are looked up in NATS with --nats, otherwise
HAL9's own are known.`,
		Example: `  hal9-keda lint keda
  kubectl get scaledobjects -A -o yaml | hal9-keda lint --nats nats://127.0.0.1:4222 -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.nats, "nats", "", "NATS in which to look up streams and consumers")
	flags.StringVar(&f.creds, "creds", "", "NATS credentials file")
	flags.IntVar(&f.partitions, "partitions", 60, "partitions of each keyed layer, as provisioned; with --nats it tells itself")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (f *lintFlags) run(cmd *cobra.Command, args []string) error {
	var sources []lint.Source
	for _, arg := range args {
		found, err := readSources(cmd.InOrStdin(), arg)
		if err != nil {
			return err
		}
		sources = append(sources, found...)
	}
	if len(sources) == 0 {
		return fmt.Errorf("hal9-keda: no YAML file in %s", strings.Join(args, ", "))
	}
	facts, done, err := f.facts(cmd.Context())
	if err != nil {
		return err
	}
	defer done()
	findings := lint.Lint(cmd.Context(), sources, facts)
	if f.json {
		err = printJSON(cmd.OutOrStdout(), append([]lint.Finding{}, findings...))
	} else {
		err = printFindings(cmd.OutOrStdout(), findings, len(sources))
	}
	if err == nil && slices.ContainsFunc(findings, func(f lint.Finding) bool { return f.Severity == lint.SeverityError }) {
		err = command.ErrSilent
	}
	return err
}

// facts returns what is known of NATS, and what ends the asking.
func (f *lintFlags) facts(ctx context.Context) (lint.Facts, func(), error) {
	if f.nats == "" {
		return lint.NewNames(f.partitions, bus.MaxAckPending), func() {}, nil
	}
	cfg := bus.DefaultConfig()
	cfg.URL, cfg.CredsFile, cfg.Name = f.nats, f.creds, "hal9-keda-lint"
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	partitions, err := b.Partitions(ctx)
	if err != nil {
		partitions = 0 // No HAL9 in there: anybody's NATS is welcome.
	}
	return &server{b, partitions}, b.Close, nil
}

// server is what a NATS says.
type server struct {
	bus        *bus.Bus
	partitions int
}

func (s *server) Partitions() int { return s.partitions }

func (s *server) Consumer(ctx context.Context, stream, name string) (lint.Consumer, error) {
	limits, err := s.bus.ConsumerLimits(ctx, stream, name)
	switch {
	case errors.Is(err, bus.ErrNoStream):
		return lint.Consumer{}, lint.ErrNoStream
	case errors.Is(err, bus.ErrNoConsumer):
		return lint.Consumer{}, lint.ErrNoConsumer
	case err != nil:
		return lint.Consumer{}, err
	}
	return lint.Consumer{Durable: limits.Durable, MaxAckPending: limits.MaxAckPending}, nil
}

// readSources reads a file, the YAML files in a folder, or with - the standard input.
func readSources(in io.Reader, arg string) ([]lint.Source, error) {
	if arg == "-" {
		data, err := io.ReadAll(io.LimitReader(in, lint.MaxBytes+1))
		return []lint.Source{{Name: "stdin", Data: data}}, err
	}
	info, err := os.Stat(arg)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("hal9-keda: %s does not exist", arg)
	}
	if err != nil {
		return nil, fmt.Errorf("hal9-keda: %w", err)
	}
	if !info.IsDir() {
		s, err := readSource(arg)
		return []lint.Source{s}, err
	}
	var found []lint.Source
	err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" && filepath.Ext(path) != ".yml" {
			return err
		}
		s, err := readSource(path)
		found = append(found, s)
		return err
	})
	if err != nil {
		err = fmt.Errorf("hal9-keda: %w", err)
	}
	return found, err
}

func readSource(path string) (s lint.Source, err error) {
	file, err := os.Open(path)
	if err != nil {
		return s, fmt.Errorf("hal9-keda: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	s.Name = path
	s.Data, err = io.ReadAll(io.LimitReader(file, lint.MaxBytes+1))
	return s, err
}

func printJSON[T any](out io.Writer, value T) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// printFindings prints each finding with its reason and what to do, and how many there are.
func printFindings(out io.Writer, findings []lint.Finding, files int) error {
	count := make(map[lint.Severity]int)
	for i := range findings {
		f := &findings[i]
		count[f.Severity]++
		if _, err := fmt.Fprintf(out, "%s\n%s%s", f, wrap("why: ", f.Why), wrap("do:  ", f.Do)); err != nil {
			return err
		}
	}
	if len(findings) == 0 {
		_, err := fmt.Fprintf(out, "%s: fine\n", plural(files, "file"))
		return err
	}
	_, err := fmt.Fprintf(out, "%s in %s: %s, %s, %s\n", plural(len(findings), "finding"), plural(files, "file"),
		plural(count[lint.SeverityError], "error"), plural(count[lint.SeverityWarning], "warning"), plural(count[lint.SeverityNote], "note"))
	return err
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// wrap breaks a text into indented lines of a width that fits terminals.
func wrap(label, text string) string {
	const width = 110
	var b strings.Builder
	line := "    " + label
	indent := strings.Repeat(" ", len(line))
	for word := range strings.FieldsSeq(text) {
		if len(line)+len(word) > width {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += word + " "
	}
	return b.String() + strings.TrimRight(line, " ") + "\n"
}
