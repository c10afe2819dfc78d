package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/app"
)

func newWeb(g *global) *cobra.Command {
	f := newSiteFlags()
	cmd := &cobra.Command{
		Use:   "web",
		Short: "Serve page, API, HTTP ingest and metrics of the whole, without a layer",
		Long: `Serve the page, the API, the HTTP doors and /metrics of all that works on one NATS, and run
no layer: beside layers that are processes of their own (hal9 run). Any number may run, behind
any load balancer: they share nothing but NATS.`,
		Example: `  hal9 web --nats nats://localhost:4222
  hal9 web --nats nats://nats:4222 --http 0.0.0.0:9099`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runWeb(cmd, g, &f) },
	}
	f.add(cmd, siteUsage{
		httpDefault: "127.0.0.1:9099", http: "page, API, ", config: ", whose sources say how signals are read", drain: "requests", ready: "ready",
	})
	return cmd
}

func runWeb(cmd *cobra.Command, g *global, f *siteFlags) error {
	began := time.Now()
	s, err := f.open(cmd, g, "hal9-web")
	if err != nil {
		return err
	}
	defer s.close()
	p := s.process(cmd, began, f.readyFile)
	p.cfg = appConfig(s.file, func(cfg *app.Config) {
		cfg.Layers, cfg.Whole, cfg.Journal = nil, true, s.journal
		cfg.Web.DrainTimeout = f.drain
	})
	p.banner = func(ready time.Duration) string {
		return fmt.Sprintf("HAL9 %s web is up (ready in %s) on %s: http://%s\n",
			thisBuild().Version, ready.Round(10*time.Millisecond), s.bus.URL(), s.listener.Addr())
	}
	return p.run(cmd.Context())
}
