package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/doctor"
)

type doctorFlags struct {
	options doctor.Options
	config  string
	json    bool
	plain   bool
	all     bool
	bundle  string
	script  string
}

func newDoctor(g *global) *cobra.Command {
	f := &doctorFlags{options: doctor.DefaultOptions()}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with HAL9, how it is known, what to run and whom to call",
		Long: `Say what is wrong with HAL9: is it running, reachable, healthy; what waits for how long in
each layer; what stands still, died, has no leader, is full, was killed. Each finding comes
with evidence, a command that helps and, where hal9.yaml has an escalation, whom to call.
Nothing is changed. It takes some seconds, since what stands still is seen by looking twice.

Exit code 0: healthy; 1: there are findings; 2: nothing could be looked at.`,
		Example: `  hal9 doctor
  hal9 doctor --nats nats://nats-0:4222,nats://nats-1:4222 --json | jq -r '.findings[].what'
  hal9 doctor --script recovery.sh --bundle hal9.tar.gz`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, g) },
	}
	connectionFlags(cmd, &f.options.NATS)
	kubeFlags(cmd, &f.options.Kube)
	flags := cmd.Flags()
	flags.StringSliceVar(&f.options.HTTP, "http", f.options.HTTP, "address of a process, several separated by commas; processes also answer over NATS")
	flags.StringVar(&f.options.Kubernetes, "kubernetes", f.options.Kubernetes, "look at Kubernetes, through kubectl: auto (where it finds HAL9 there), on or off")
	complete(cmd, "kubernetes", doctor.KubernetesAuto, doctor.KubernetesOn, doctor.KubernetesOff)
	flags.StringVar(&f.options.Data, "data", "", "folder of NATS's data where that is on this machine; default that of a `hal9 up` that answers from here")
	flags.DurationVar(&f.options.Between, "between", f.options.Between, "time between the two looks")
	flags.StringVar(&f.config, "config", "", "configuration file, for its escalation; hal9.yaml in this folder is read where it exists")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.plain, "plain", false, "no art, no colours, no jokes")
	flags.BoolVar(&f.all, "all", false, "every finding with all evidence and commands")
	flags.StringVar(&f.script, "script", "", "write the steps to this file, as a shell script of which nothing changes anything as it stands")
	flags.StringVar(&f.bundle, "bundle", "", "write all that was seen to this file (.tar.gz), without secrets, for somebody else")
	return cmd
}

func (f *doctorFlags) run(cmd *cobra.Command, g *global) error {
	if f.options.Between <= 0 || f.options.Between > time.Minute {
		return fmt.Errorf("--between %s: want more than 0 and at most 1m", f.options.Between)
	}
	switch f.options.Kubernetes {
	case doctor.KubernetesAuto, doctor.KubernetesOn, doctor.KubernetesOff:
	default:
		return fmt.Errorf("--kubernetes %q: want auto, on or off", f.options.Kubernetes)
	}
	if cmd.Flags().Lookup("log-level").Value.String() == "info" {
		g.logLevel = "error" // What the client says while it looks stands in the report.
	}
	log, err := g.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	file, configErr := command.LoadConfig(f.config)
	if configErr != nil && f.config != "" {
		return configErr
	}
	f.options.Asked, f.options.UsualData = cmd.Flags().Changed("http"), defaultData()
	facts := doctor.Examine(cmd.Context(), f.options, log)
	if configErr != nil { // At 3 a.m. a broken file in this folder is no reason to see nothing.
		facts.Looked = append(facts.Looked, doctor.Look{What: "hal9.yaml", Detail: command.OneLine(configErr)})
	}
	if err := context.Cause(cmd.Context()); err != nil {
		return errors.New("stopped before it had seen all")
	}
	report := doctor.NewReport(facts, file.Escalation)
	if err := f.print(cmd.OutOrStdout(), report); err != nil {
		return err
	}
	if err := f.write(cmd, report, facts); err != nil {
		return err
	}
	if code := report.ExitCode(); code != 0 {
		return &exitError{code}
	}
	return nil
}

func (f *doctorFlags) print(w io.Writer, report *doctor.Report) error {
	if f.json {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	screen := cli.NewScreen(w, os.LookupEnv)
	style := doctor.Style{All: f.all, Width: min(screen.Width, 120)}
	if !f.plain && cli.IsTerminal(w) {
		style.Art, style.Colour = true, screen.Colour
	}
	return doctor.Text(w, report, style)
}

// write writes the files that were asked for and says so.
func (f *doctorFlags) write(cmd *cobra.Command, report *doctor.Report, facts *doctor.Facts) error {
	out := cmd.ErrOrStderr()
	if f.script != "" {
		// It holds what is wrong and where: for its owner, also where another file stood before.
		err := os.WriteFile(f.script, []byte(doctor.Script(report)), 0o700)
		if err == nil {
			err = os.Chmod(f.script, 0o700)
		}
		if err != nil {
			return fmt.Errorf("--script: %w", err)
		}
		fmt.Fprintln(out, "steps in "+f.script+": as it stands it only looks")
	}
	if f.bundle == "" {
		return nil
	}
	bundle := doctor.Bundle{Report: report, Facts: facts, Config: f.configText(), Extra: facts.Kubernetes.Files(cmd.Context())}
	file, err := os.OpenFile(f.bundle, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("--bundle: %w", err)
	}
	if err := errors.Join(bundle.Write(file), file.Close()); err != nil {
		return err
	}
	fmt.Fprintln(out, "everything in "+f.bundle+", secrets taken out: look through it before you send it")
	return nil
}

// configText returns the configuration as it stands, nil where there is none.
func (f *doctorFlags) configText() []byte {
	name := f.config
	if name == "" {
		name = "hal9.yaml"
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return []byte(strings.ToValidUTF8(string(data), "?"))
}
