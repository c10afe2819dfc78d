package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/scaling"
	"github.com/2lab-ai/hal9/keda"
)

type scalerFlags struct {
	bus       bus.Config
	listen    string
	http      string
	config    string
	every     time.Duration
	fresh     time.Duration
	tls       keda.TLS
	readyFile string
}

func newScaler(g *global) *cobra.Command {
	defaults := scaling.DefaultConfig()
	f := &scalerFlags{bus: bus.DefaultConfig()}
	f.bus.Name = "hal9-scaler"
	cmd := &cobra.Command{
		Use:   "scaler",
		Short: "Tell KEDA how many replicas each layer needs",
		Long: `Tell KEDA how many replicas each layer needs: the external scaler of hal9-keda's ScaledObjects.
It measures JetStream (what waits, how fast it is worked off, how old it gets), decides by the
section scaling of the configuration, and keeps every decision with its inputs in the stream
HAL9_SCALING. Any number may run: one decides, all answer; what can't be measured is an error,
with which KEDA's fallback begins.`,
		Example: `  hal9 scaler --nats nats://nats:4222 --listen 0.0.0.0:9098 --http 0.0.0.0:9099
  hal9 scaler explain L3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, g) },
	}
	flags := cmd.Flags()
	connectionFlags(cmd, &f.bus)
	flags.StringVar(&f.listen, "listen", "127.0.0.1:9098", "address of the gRPC service that KEDA asks; port 0 for any free one")
	flags.StringVar(&f.http, "http", "127.0.0.1:9099", "address of /metrics, /healthz and /readyz; port 0 for any free one")
	flags.StringVar(&f.config, "config", "", "configuration file, for its section scaling; hal9.yaml in this folder is read where it exists")
	flags.DurationVar(&f.every, "every", defaults.Every, "time between measurements")
	flags.DurationVar(&f.fresh, "fresh", defaults.Fresh, "for how long a decision is given to KEDA; then it is an error")
	flags.StringVar(&f.tls.CertFile, "tls-cert", "", "PEM file with the certificate of the gRPC service; none for plain text")
	flags.StringVar(&f.tls.KeyFile, "tls-key", "", "PEM file with its key")
	flags.StringVar(&f.tls.ClientCAFile, "tls-client-ca", "", "PEM file: only clients with a certificate of these authorities are let in")
	flags.StringVar(&f.readyFile, "ready-file", "", "write the addresses to this file as JSON once it answers")
	cmd.AddCommand(newScalerExplain(g))
	return cmd
}

func (f *scalerFlags) run(cmd *cobra.Command, g *global) error {
	log, err := g.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	file, err := command.LoadConfig(f.config)
	if err != nil {
		return err
	}
	grpc, err := listenFor(cmd.Context(), "gRPC", "--listen", f.listen)
	if err != nil {
		return err
	}
	defer grpc.Close()
	web, err := listen(cmd.Context(), f.http)
	if err != nil {
		return err
	}
	defer web.Close()
	b, err := bus.Connect(f.bus, log)
	if err != nil {
		return err
	}
	defer b.Close()
	cfg := scaling.Config{Every: f.every, Fresh: f.fresh, Limits: file.Scaling.For}
	scaler, err := scaling.New(cmd.Context(), cfg, b, app.ProcessName(), log)
	if err != nil {
		return unlessStopped(cmd.Context(), log, err)
	}
	if err := f.announce(cmd, b, grpc, web); err != nil {
		return err
	}
	work, ctx := errgroup.WithContext(cmd.Context())
	work.Go(func() error { return scaler.Run(ctx) })
	work.Go(func() error { return keda.Serve(ctx, grpc, f.tls, scaler.Board()) })
	work.Go(func() error { return serveHTTP(ctx, web, scaler.Handler()) })
	if err := work.Wait(); err != nil {
		return err
	}
	log.InfoContext(cmd.Context(), "stopped")
	return nil
}

// announce says where the scaler is.
func (f *scalerFlags) announce(cmd *cobra.Command, b *bus.Bus, grpc, web net.Listener) error {
	kind := "plain text"
	if f.tls.CertFile != "" {
		kind = "TLS"
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "HAL9 %s scaler is up on %s: gRPC for KEDA on %s (%s), http://%s\n",
		thisBuild().Version, b.URL(), grpc.Addr(), kind, web.Addr())
	if err != nil || f.readyFile == "" {
		return err
	}
	data, err := json.Marshal(map[string]any{
		"http": "http://" + web.Addr().String(), "grpc": grpc.Addr().String(), "nats": b.URL(), "pid": os.Getpid(),
	})
	if err != nil {
		return err
	}
	return publishFile(f.readyFile, append(data, '\n'))
}

// serveHTTP serves until ctx ends and what was asked is answered.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}
	stopped := make(chan error, 1)
	defer context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(ending)
	})()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("hal9: serve HTTP: %w", err)
	}
	return <-stopped
}
