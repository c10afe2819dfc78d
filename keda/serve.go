package keda

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
)

// TLS says with what the service shows who it is, and whom it asks to do so.
type TLS struct {
	CertFile, KeyFile string // PEM; without them the service speaks plain text
	ClientCAFile      string // PEM: only clients with a certificate of these are let in; default all
}

// config returns nil without a certificate. The certificate is read again when its file has changed, since cluster tools renew it in place.
func (t TLS) config() (*tls.Config, error) {
	if t.CertFile == "" && t.KeyFile == "" {
		if t.ClientCAFile != "" {
			return nil, errors.New("keda: client certificates are asked for over TLS only: name certificate and key, too")
		}
		return nil, nil
	}
	if _, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
		return nil, fmt.Errorf("keda: TLS certificate: %w", err)
	}
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile) // KEDA connects rarely.
			return &pair, err
		},
	}
	if t.ClientCAFile == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(t.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("keda: client CA: %w", err)
	}
	cfg.ClientCAs, cfg.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !cfg.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("keda: client CA: %s holds no PEM certificate", t.ClientCAFile)
	}
	return cfg, nil
}

// Check says why no service could be offered so, nil where it could.
func (t TLS) Check() error {
	_, err := t.config()
	return err
}

// stopTime is how long requests may take to finish after a stop.
const stopTime = 5 * time.Second

// Serve answers KEDA on a listener until ctx ends, then finishes what was asked. It offers gRPC's health service as well.
func Serve(ctx context.Context, listener net.Listener, security TLS, board Board) error {
	cfg, err := security.config()
	if err != nil {
		return err
	}
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(64 << 10), grpc.MaxConcurrentStreams(1000),
		// A KEDA that is gone without a word must not hold streams for ever; one that pings is welcome.
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}
	if cfg != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(cfg)))
	}
	server, stop, alive := grpc.NewServer(options...), make(chan struct{}), health.NewServer()
	NewServer(board, stop).Register(server)
	healthpb.RegisterHealthServer(server, alive)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("keda: serve: %w", err)
	case <-ctx.Done():
	}
	alive.Shutdown()
	close(stop)
	hard := time.AfterFunc(stopTime, server.Stop)
	defer hard.Stop()
	server.GracefulStop()
	if err := <-served; err != nil {
		return fmt.Errorf("keda: serve: %w", err)
	}
	return nil
}
