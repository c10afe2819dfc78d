package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/command"
)

type webFlags struct {
	bus       bus.Config
	http      string
	config    string
	drain     time.Duration
	readyFile string
}

func newWeb(g *global) *cobra.Command {
	f := &webFlags{bus: bus.DefaultConfig()}
	f.bus.Name = "hal9-web"
	cmd := &cobra.Command{
		Use:   "web",
		Short: "Serve page, API, HTTP ingest and metrics of the whole, without a layer",
		Long: `Serve the page, the API, the HTTP doors and /metrics of all that works on one NATS, and run
no layer: beside layers that are processes of their own (hal9 run). Any number may run, behind
any load balancer: they share nothing but NATS.`,
		Example: `  hal9 web --nats nats://localhost:4222
  hal9 web --nats nats://nats:4222 --http 0.0.0.0:9099`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, g) },
	}
	flags := cmd.Flags()
	connectionFlags(cmd, &f.bus)
	flags.StringVar(&f.http, "http", "127.0.0.1:9099", "address of page, API, /metrics, /healthz and /readyz; port 0 for any free one")
	flags.StringVar(&f.config, "config", "", "configuration file, whose sources say how signals are read; hal9.yaml in this folder is read where it exists")
	flags.DurationVar(&f.drain, "drain", 10*time.Second, "how long requests may take to finish after a stop")
	flags.StringVar(&f.readyFile, "ready-file", "", "write the addresses to this file as JSON once ready")
	return cmd
}

func (f *webFlags) run(cmd *cobra.Command, g *global) error {
	began := time.Now()
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
	b, err := bus.Connect(f.bus, log)
	if err != nil {
		return err
	}
	defer b.Close()
	p := &process{
		bus: b, listener: listener, log: log, began: began, readyFile: f.readyFile, natsURL: b.URL(),
		out: cmd.OutOrStdout(),
		cfg: appConfig(file, func(cfg *app.Config) {
			cfg.Layers, cfg.Whole, cfg.Journal = nil, true, &g.journal
			cfg.Web.DrainTimeout = f.drain
		}),
		banner: func(ready time.Duration) string {
			return fmt.Sprintf("HAL9 %s web is up (ready in %s) on %s: http://%s\n",
				thisBuild().Version, ready.Round(10*time.Millisecond), b.URL(), listener.Addr())
		},
	}
	return p.run(cmd.Context())
}
