package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/layers"
)

type runFlags struct {
	layer     string
	bus       bus.Config
	http      string
	config    string
	drain     time.Duration
	readyFile string
}

// connectionFlags adds the flags with which a command finds NATS.
func connectionFlags(cmd *cobra.Command, cfg *bus.Config) {
	cmd.Flags().StringVar(&cfg.URL, "nats", cfg.URL, "address of NATS, several separated by commas")
	cmd.Flags().StringVar(&cfg.CredsFile, "nats-creds", "", "NATS credentials file")
}

func newRun(g *global) *cobra.Command {
	f := &runFlags{bus: bus.DefaultConfig()}
	cmd := &cobra.Command{
		Use:   "run --layer L3",
		Short: "Run one layer on a NATS of yours: what a pod runs",
		Long: `Run one layer on a NATS of yours: what a pod runs. Any number of processes may run the
same layer: those of L1 share its work, the partitions of the others are spread over them
and move when one comes or goes. Streams and consumers must exist: see hal9 provision.`,
		Example: `  hal9 provision --nats nats://localhost:4222
  hal9 run --layer L1 --nats nats://localhost:4222 --http 0.0.0.0:9099`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, g) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.layer, "layer", "", "which layer: L1, L2, L3, L4 or L5")
	complete(cmd, "layer", words(layers.Names())...)
	connectionFlags(cmd, &f.bus)
	flags.StringVar(&f.http, "http", "127.0.0.1:0", "address of page, API, /metrics, /healthz and /readyz; port 0 for any free one")
	flags.StringVar(&f.config, "config", "", "configuration file; hal9.yaml in this folder is read where it exists")
	flags.DurationVar(&f.drain, "drain", 10*time.Second, "how long work may take to finish after a stop")
	flags.StringVar(&f.readyFile, "ready-file", "", "write the addresses to this file as JSON once ready")
	return cmd
}

func (f *runFlags) run(cmd *cobra.Command, g *global) error {
	began := time.Now()
	if f.layer == "" {
		return errors.New("which layer? say --layer L1, L2, L3, L4 or L5")
	}
	layer, err := layers.ParseName(f.layer)
	if err != nil {
		return fmt.Errorf("--layer: %q is no layer: want L1, L2, L3, L4 or L5", f.layer)
	}
	if f.drain <= 0 {
		return fmt.Errorf("--drain %s: want more than 0", f.drain)
	}
	log, err := g.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	file, err := command.LoadConfig(f.config)
	if err != nil {
		return err
	}
	listener, err := listen(cmd.Context(), f.http)
	if err != nil {
		return err
	}
	defer listener.Close()
	f.bus.Name = "hal9-" + layer.String()
	b, err := bus.Connect(f.bus, log)
	if err != nil {
		return err
	}
	defer b.Close()
	p := &process{
		bus: b, listener: listener, log: log, began: began, readyFile: f.readyFile, natsURL: b.URL(),
		out: cmd.OutOrStdout(),
		cfg: appConfig(file, func(cfg *app.Config) {
			cfg.Layers, cfg.Journal = []layers.Name{layer}, &g.journal
			cfg.Pipeline.DrainTime = f.drain
			cfg.Web.DrainTimeout = f.drain
		}),
		banner: func(ready time.Duration) string {
			return fmt.Sprintf("HAL9 %s %s %s is up (ready in %s) on %s, http://%s\n",
				thisBuild().Version, layer, layer.Title(), ready.Round(10*time.Millisecond), b.URL(), listener.Addr())
		},
	}
	return p.run(cmd.Context())
}
