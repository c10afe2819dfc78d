package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/journal"
)

// siteFlags say where a process that works on a NATS of yours stands: what `run`, `web` and `scaler` have in common.
type siteFlags struct {
	bus       bus.Config
	http      string
	config    string
	drain     time.Duration
	readyFile string
}

// siteUsage is what the flags are for, where that differs.
type siteUsage struct {
	httpDefault, http string
	config            string
	drain             string // "" for a process that has nothing in flight
	ready             string
}

func newSiteFlags() siteFlags { return siteFlags{bus: bus.DefaultConfig()} }

// add adds the flags to a command.
func (f *siteFlags) add(cmd *cobra.Command, usage siteUsage) {
	connectionFlags(cmd, &f.bus)
	flags := cmd.Flags()
	flags.StringVar(&f.http, "http", usage.httpDefault, "address of "+usage.http+"/metrics, /healthz and /readyz; port 0 for any free one")
	flags.StringVar(&f.config, "config", "", "configuration file"+usage.config+"; hal9.yaml in this folder is read where it exists")
	if usage.drain != "" {
		flags.DurationVar(&f.drain, "drain", 10*time.Second, "how long "+usage.drain+" may take to finish after a stop")
	}
	flags.StringVar(&f.readyFile, "ready-file", "", "write the addresses to this file as JSON once "+usage.ready)
}

// site is where a process stands: its log, configuration, HTTP address and NATS.
type site struct {
	log      *slog.Logger
	journal  *journal.Journal
	file     config.File
	listener net.Listener
	bus      *bus.Bus
}

// open reads the configuration, takes the HTTP address and connects to NATS under a name. Whoever opens closes.
func (f *siteFlags) open(cmd *cobra.Command, g *global, name string) (s *site, err error) {
	if cmd.Flags().Lookup("drain") != nil && f.drain <= 0 {
		return nil, fmt.Errorf("--drain %s: want more than 0", f.drain)
	}
	s = &site{journal: &g.journal}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.log, err = g.logger(cmd.ErrOrStderr()); err != nil {
		return nil, err
	}
	if s.file, err = command.LoadConfig(f.config); err != nil {
		return nil, err
	}
	if s.listener, err = listen(cmd.Context(), f.http); err != nil {
		return nil, err
	}
	f.bus.Name = name
	s.bus, err = bus.Connect(f.bus, s.log)
	return s, err
}

func (s *site) close() {
	if s.bus != nil {
		s.bus.Close()
	}
	if s.listener != nil {
		_ = s.listener.Close() // The server has closed it.
	}
}

// process returns an app's process at the site; what it runs and says is to be filled in.
func (s *site) process(cmd *cobra.Command, began time.Time, readyFile string) *process {
	return &process{
		bus: s.bus, listener: s.listener, log: s.log, began: began, readyFile: readyFile, natsURL: s.bus.URL(), out: cmd.OutOrStdout(),
	}
}

// writeReady tells programs where a process is, in a file that appears under its name only when it is whole. Without a
// name it does nothing.
func writeReady(name, natsURL string, http net.Listener, more map[string]any) error {
	if name == "" {
		return nil
	}
	ready := map[string]any{"http": "http://" + http.Addr().String(), "nats": natsURL, "pid": os.Getpid()}
	maps.Copy(ready, more)
	data, err := json.Marshal(ready)
	if err != nil {
		return err
	}
	part := name + ".part"
	if err := os.WriteFile(part, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("hal9: --ready-file: %w", err)
	}
	return os.Rename(part, name)
}

// listen opens the HTTP address.
func listen(ctx context.Context, address string) (net.Listener, error) {
	return listenFor(ctx, "HTTP", "--http", address)
}

// listenFor opens the address that a flag names.
func listenFor(ctx context.Context, what, flag, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err == nil {
		return listener, nil
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("can't listen on %s for %s: the port is in use: choose another with %s", address, what, flag)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return nil, fmt.Errorf("can't listen on %q for %s: %w: want host:port, such as %s 127.0.0.1:9099", address, what, err, flag)
}
