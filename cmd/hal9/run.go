package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
)

type runFlags struct {
	siteFlags

	layer string
}

// connectionFlags adds the flags with which a command finds NATS.
func connectionFlags(cmd *cobra.Command, cfg *bus.Config) {
	cmd.Flags().StringVar(&cfg.URL, "nats", cfg.URL, "address of NATS, several separated by commas")
	cmd.Flags().StringVar(&cfg.CredsFile, "nats-creds", "", "NATS credentials file")
}

func newRun(g *global) *cobra.Command {
	f := &runFlags{siteFlags: newSiteFlags()}
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
	cmd.Flags().StringVar(&f.layer, "layer", "", "which layer: L1, L2, L3, L4 or L5")
	complete(cmd, "layer", words(layers.Names())...)
	f.add(cmd, siteUsage{httpDefault: "127.0.0.1:0", http: "page, API, ", drain: "work", ready: "ready"})
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
	s, err := f.open(cmd, g, "hal9-"+layer.String())
	if err != nil {
		return err
	}
	defer s.close()
	p := s.process(cmd, began, f.readyFile)
	p.cfg = appConfig(s.file, func(cfg *app.Config) {
		cfg.Layers, cfg.Journal = []layers.Name{layer}, s.journal
		cfg.Pipeline.DrainTime = f.drain
		cfg.Web.DrainTimeout = f.drain
	})
	p.banner = func(ready time.Duration) string {
		return fmt.Sprintf("HAL9 %s %s %s is up (ready in %s) on %s, http://%s\n",
			thisBuild().Version, layer, layer.Title(), ready.Round(10*time.Millisecond), s.bus.URL(), s.listener.Addr())
	}
	return p.run(cmd.Context())
}
