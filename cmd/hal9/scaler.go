package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/scaling"
	"github.com/2lab-ai/hal9/internal/web"
	"github.com/2lab-ai/hal9/keda"
)

type scalerFlags struct {
	siteFlags

	listen string
	every  time.Duration
	fresh  time.Duration
	tls    keda.TLS
}

func newScaler(g *global) *cobra.Command {
	defaults := scaling.DefaultConfig()
	f := &scalerFlags{siteFlags: newSiteFlags()}
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
	f.add(cmd, siteUsage{httpDefault: "127.0.0.1:9099", config: ", for its section scaling", ready: "it answers"})
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:9098", "address of the gRPC service that KEDA asks; port 0 for any free one")
	flags.DurationVar(&f.every, "every", defaults.Every, "time between measurements")
	flags.DurationVar(&f.fresh, "fresh", defaults.Fresh, "for how long a decision is given to KEDA; then it is an error")
	flags.StringVar(&f.tls.CertFile, "tls-cert", "", "PEM file with the certificate of the gRPC service; none for plain text")
	flags.StringVar(&f.tls.KeyFile, "tls-key", "", "PEM file with its key")
	flags.StringVar(&f.tls.ClientCAFile, "tls-client-ca", "", "PEM file: only clients with a certificate of these authorities are let in")
	cmd.AddCommand(newScalerExplain(g))
	return cmd
}

func (f *scalerFlags) run(cmd *cobra.Command, g *global) error {
	if err := f.tls.Check(); err != nil {
		return err
	}
	grpc, err := listenFor(cmd.Context(), "gRPC", "--listen", f.listen)
	if err != nil {
		return err
	}
	defer grpc.Close()
	s, err := f.open(cmd, g, "hal9-scaler")
	if err != nil {
		return err
	}
	defer s.close()
	cfg := scaling.Config{Every: f.every, Fresh: f.fresh, Limits: s.file.Scaling.For}
	name := app.ProcessName()
	scaler, err := scaling.New(cmd.Context(), cfg, s.bus, name, s.log)
	if err != nil {
		return unlessStopped(cmd.Context(), s.log, err)
	}
	if err := f.announce(cmd, s, grpc); err != nil {
		return err
	}
	work, ctx := errgroup.WithContext(cmd.Context())
	work.Go(func() error { return scaler.Run(ctx) })
	work.Go(func() error { return keda.Serve(ctx, grpc, f.tls, scaler.Board()) })
	work.Go(func() error { return serveHTTP(ctx, s.listener, scaler.Handler()) })
	work.Go(func() error { s.answerRoll(ctx, name, scaler); return nil })
	if err := work.Wait(); err != nil {
		return err
	}
	s.log.InfoContext(cmd.Context(), "stopped")
	return nil
}

// announce says where the scaler is.
func (f *scalerFlags) announce(cmd *cobra.Command, s *site, grpc net.Listener) error {
	kind := "plain text"
	if f.tls.CertFile != "" {
		kind = "TLS"
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "HAL9 %s scaler is up on %s: gRPC for KEDA on %s (%s), http://%s\n",
		thisBuild().Version, s.bus.URL(), grpc.Addr(), kind, s.listener.Addr())
	if err != nil {
		return err
	}
	return writeReady(f.readyFile, s.bus.URL(), s.listener, map[string]any{"grpc": grpc.Addr().String()})
}

// boundedServer returns a server that waits for clients as long as those of other processes.
func boundedServer(handler http.Handler) *http.Server {
	bounds := web.DefaultConfig()
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: bounds.ReadHeaderTimeout, ReadTimeout: bounds.ReadTimeout, WriteTimeout: bounds.WriteTimeout,
		IdleTimeout: bounds.IdleTimeout, MaxHeaderBytes: web.MaxHeaderBytes,
	}
}

// serveHTTP serves until ctx ends and what was asked is answered.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := boundedServer(handler)
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
