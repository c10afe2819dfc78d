package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/natsserver"
	"github.com/2lab-ai/hal9/internal/outbound"
)

type upFlags struct {
	server     natsserver.Config
	http       string
	config     string
	partitions int
	sync       string
	readyFile  string
}

func newUp(g *global) *cobra.Command {
	f := &upFlags{server: natsserver.DefaultConfig()}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run everything in this process: NATS JetStream, the five layers, HTTP",
		Example: `  hal9 up
  hal9 up --nats-port 0 --http 127.0.0.1:0 --data /tmp/hal9     free ports, a folder of its own
  hal9 up --config hal9.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.up(cmd, g) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.server.Port, "nats-port", f.server.Port, "client port of the embedded NATS on 127.0.0.1; 0 for any free one")
	flags.StringVar(&f.server.DataDir, "data", defaultData(), "folder of the embedded NATS")
	flags.StringVar(&f.http, "http", "127.0.0.1:9099", "address of page, API, /metrics, /healthz and /readyz")
	flags.StringVar(&f.config, "config", "", "configuration file; hal9.yaml in this folder is read where it exists")
	flags.IntVar(&f.partitions, "partitions", bus.DefaultTopology().Partitions, "partitions of each keyed layer, fixed at the first start")
	flags.StringVar(&f.sync, "sync", "interval", "when stored signals reach the disk itself: interval (every 10 s; survives kill -9) or always (survives power loss)")
	flags.StringVar(&f.readyFile, "ready-file", "", "write the addresses to this file as JSON once ready")
	return cmd
}

// defaultData returns the folder in which data survives restarts: $XDG_DATA_HOME/hal9, usually
// ~/.local/share/hal9.
func defaultData() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hal9")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "hal9")
	}
	return "hal9-data"
}

// chooseSync says to the server when stored signals reach the disk.
func (f *upFlags) chooseSync() error {
	switch f.sync {
	case "interval":
		f.server.SyncAlways = false
	case "always":
		f.server.SyncAlways = true
	default:
		return fmt.Errorf("--sync %q: want interval or always", f.sync)
	}
	return nil
}

func (f *upFlags) up(cmd *cobra.Command, g *global) error {
	began := time.Now()
	log, err := g.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := f.chooseSync(); err != nil {
		return err
	}
	file, err := command.LoadConfig(f.config)
	if err != nil {
		return err
	}
	boundMemory()
	listener, err := listen(cmd.Context(), f.http)
	if err != nil {
		return err
	}
	defer listener.Close()
	server, err := natsserver.Start(f.server, log)
	if err != nil {
		return err
	}
	defer server.Stop()
	to := bus.DefaultConfig()
	to.URL = server.URL()
	b, err := bus.Connect(to, log, server.InProcess())
	if err != nil {
		return err
	}
	defer b.Close()
	if err := b.Provision(cmd.Context(), f.topology(file)); err != nil {
		return unlessStopped(cmd.Context(), log, err)
	}
	p := &process{
		bus: b, listener: listener, log: log, began: began, readyFile: f.readyFile,
		cfg: appConfig(file, nil), out: cmd.OutOrStdout(),
		banner: upBanner(server.URL(), listener.Addr().String(), f.server.DataDir),
	}
	p.natsURL = server.URL()
	p.cfg.Alone, p.cfg.Journal = true, &g.journal
	return p.run(cmd.Context())
}

// memoryLimit is what `up` keeps its memory to, bytes, unless GOMEMLIMIT says otherwise: the collector works harder
// the nearer it comes.
const memoryLimit = 512 << 20

func boundMemory() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(memoryLimit)
	}
}

func (f *upFlags) topology(file config.File) bus.Topology {
	t := bus.DefaultTopology()
	t.Partitions = f.partitions
	t.Alone = true
	t.Sinks = sinkDurables(file.Sinks)
	return t
}

func sinkDurables(sinks []outbound.Sink) []bus.Durable {
	var durables []bus.Durable
	for _, sink := range sinks {
		durables = append(durables, bus.Durable{Stream: sink.Stream(), Name: sink.Durable()})
	}
	return durables
}

// upBanner returns what a newcomer needs: where it runs and a first thing to try.
func upBanner(natsURL, http, data string) func(ready time.Duration) string {
	return func(ready time.Duration) string {
		self := selfCommand()
		var b strings.Builder
		fmt.Fprintf(&b, "HAL9 %s is up (ready in %s)\n\n", thisBuild().Version, ready.Round(10*time.Millisecond))
		fmt.Fprintf(&b, "  page      http://%s\n", http)
		fmt.Fprintf(&b, "  metrics   http://%s/metrics\n", http)
		fmt.Fprintf(&b, "  NATS      %s   publish signals to hal9.signals.<source>\n", natsURL)
		fmt.Fprintf(&b, "  data      %s\n\n", data)
		fmt.Fprintf(&b, "  L1 Reflexive > L2 Implementation > L3 Operational > L4 Tactical > L5 Strategic\n\n")
		fmt.Fprintf(&b, "Try, in another terminal:\n")
		fmt.Fprintf(&b, "  %s tail%s\n", self, natsFlag(natsURL))
		fmt.Fprintf(&b, "  curl --json '{\"source\":\"shop\",\"subject\":\"db-1\",\"severity\":\"critical\",\"message\":\"disk is full\"}' http://%s/v1/signals\n\n", http)
		fmt.Fprintf(&b, "Ctrl-C stops it; what is stored stays.\n")
		return b.String()
	}
}

// selfCommand returns how this program was called, as far as that can be repeated.
func selfCommand() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/hal9"
	}
	return os.Args[0]
}

func natsFlag(url string) string {
	if url == bus.DefaultConfig().URL {
		return ""
	}
	return " --nats " + url
}

// appConfig returns the process's configuration.
func appConfig(file config.File, change func(*app.Config)) app.Config {
	cfg := app.DefaultConfig()
	cfg.File = file
	b := thisBuild()
	cfg.Version, cfg.Commit = b.Version, b.Commit
	if change != nil {
		change(&cfg)
	}
	return cfg
}
