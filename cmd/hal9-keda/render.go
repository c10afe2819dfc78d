package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/keda/manifest"
)

type renderFlags struct {
	settings manifest.Settings
	trigger  string
	config   string
	out      string
	check    bool
}

func newRender() *cobra.Command {
	f := &renderFlags{settings: manifest.DefaultSettings()}
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Write the ScaledObjects of the five layers",
		Long: `Write the ScaledObjects of the five layers and a kustomization that names them. Each asks HAL9's scaler
(` + "`hal9 scaler`" + `) how many replicas its layer needs; with --trigger stock, KEDA's own scalers for NATS JetStream
and Prometheus. With --web-connections it is the one of hal9-web, the page and HTTP door, instead: connections are its load.
Without --out everything is printed.`,
		Example: `  hal9-keda render | kubectl apply --server-side -f -
  hal9-keda render --out keda
  hal9-keda render --out keda --check                  exit code 1 where a file is not as it would be written
  hal9-keda render --trigger stock --partitions 12 --prometheus http://prometheus.monitoring:9090`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.OutOrStdout()) },
	}
	flags, s := cmd.Flags(), &f.settings
	flags.StringVar(&s.Namespace, "namespace", s.Namespace, "namespace of the layers")
	flags.IntVar(&s.Partitions, "partitions", s.Partitions, "partitions of each keyed layer, as provisioned")
	flags.StringVar(&f.trigger, "trigger", string(s.Trigger), "what KEDA asks: external-push (HAL9's scaler) or stock (KEDA's own)")
	flags.BoolVar(&s.ScaleToZero, "scale-to-zero", false, "an idle layer has no replica")
	flags.BoolVar(&s.WithResources, "with-resources", false, "CPU 60 % and memory 70 % as a safety net")
	flags.IntVar(&s.Connections, "web-connections", 0, "render hal9-web's ScaledObject alone: so many open HTTP connections for each replica, by Prometheus")
	flags.StringVar(&s.Scaler, "scaler", "", "host:port of the scaler (default hal9-scaler.NAMESPACE.svc.cluster.local:9098)")
	flags.StringVar(&s.Monitoring, "nats-monitoring", "", "host:port of NATS' monitoring, for stock (default hal9-nats-headless.NAMESPACE.svc.cluster.local:8222)")
	flags.StringVar(&s.Prometheus, "prometheus", "", "URL of Prometheus, for stock and --web-connections (default http://prometheus.monitoring.svc.cluster.local:9090)")
	flags.StringVar(&f.config, "config", "", "configuration file, for its section scaling; hal9.yaml in this folder is read where it exists")
	flags.StringVar(&f.out, "out", "", "folder to write into; it is created")
	flags.BoolVar(&f.check, "check", false, "write nothing, say which files of --out are not as they would be written")
	for _, ofLayers := range []string{"trigger", "partitions", "scale-to-zero", "with-resources", "scaler", "nats-monitoring", "config"} {
		cmd.MarkFlagsMutuallyExclusive("web-connections", ofLayers)
	}
	return cmd
}

func (f *renderFlags) run(out io.Writer) error {
	f.settings.Trigger = manifest.Trigger(f.trigger)
	if f.check && f.out == "" {
		return errors.New("--check: say which folder with --out")
	}
	if err := f.configure(); err != nil {
		return err
	}
	files, err := manifest.Render(f.settings)
	switch {
	case err != nil:
		return err
	case f.check:
		return checkFiles(out, f.out, files)
	case f.out != "":
		return writeFiles(out, f.out, files)
	}
	for _, file := range files[:len(files)-1] { // kubectl apply -f takes no kustomization
		if _, err := fmt.Fprintf(out, "---\n%s", file.Data); err != nil {
			return err
		}
	}
	return nil
}

// configure takes bounds and pace of each layer from hal9.yaml.
func (f *renderFlags) configure() error {
	if f.settings.Connections > 0 {
		f.settings.Layers = nil
		return nil
	}
	file, err := command.LoadConfig(f.config)
	if err != nil {
		return err
	}
	for i := range f.settings.Layers {
		l := &f.settings.Layers[i]
		l.Policy = file.Scaling.For(l.Name)
	}
	return nil
}

func writeFiles(out io.Writer, dir string, files []manifest.File) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("hal9-keda: --out: %w", err)
	}
	for _, file := range files {
		path := filepath.Join(dir, file.Name)
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			return fmt.Errorf("hal9-keda: --out: %w", err)
		}
		fmt.Fprintln(out, path)
	}
	return nil
}

// checkFiles says which files are not as they would be written.
func checkFiles(out io.Writer, dir string, files []manifest.File) error {
	stale := 0
	for _, file := range files {
		path := filepath.Join(dir, file.Name)
		data, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			fmt.Fprintf(out, "%s: missing\n", path)
		case err != nil:
			return fmt.Errorf("hal9-keda: --check: %w", err)
		case !bytes.Equal(data, file.Data):
			fmt.Fprintf(out, "%s:%d: not as it would be written\n", path, firstDifference(data, file.Data))
		default:
			continue
		}
		stale++
	}
	if stale > 0 {
		fmt.Fprintf(out, "%d of %d files are stale: render again without --check\n", stale, len(files))
		return command.ErrSilent
	}
	fmt.Fprintf(out, "%d files are up to date\n", len(files))
	return nil
}

// firstDifference returns the first line in which two texts differ, from 1.
func firstDifference(a, b []byte) int {
	line := 1
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return line
		}
		if a[i] == '\n' {
			line++
		}
	}
	return line
}
