package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// errStopped is why the work of requests ends that outlive DrainTimeout.
var errStopped = errors.New("web: the server is stopping")

// MaxHeaderBytes bounds a request's header.
const MaxHeaderBytes = 64 << 10

// Serve answers requests on ln until ctx ends. Then it takes no more, gives those in flight
// DrainTimeout to finish, cancels the rest and returns; it returns nil where all finished.
// It closes ln and can be called once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	server := &http.Server{
		Handler:           s.guarded(ln.Addr(), s.handler),
		BaseContext:       func(net.Listener) context.Context { return work },
		ReadHeaderTimeout: s.cfg.ReadHeaderTimeout,
		ReadTimeout:       s.cfg.ReadTimeout,
		WriteTimeout:      s.cfg.WriteTimeout,
		IdleTimeout:       s.cfg.IdleTimeout,
		MaxHeaderBytes:    MaxHeaderBytes,
		ConnState:         s.countConnection,
		ErrorLog:          slog.NewLogLogger(s.deps.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	var serving sync.WaitGroup
	defer serving.Wait()
	serving.Go(func() { failed <- server.Serve(ln) })
	select {
	case err := <-failed:
		return fmt.Errorf("web: serve: %w", err)
	case <-ctx.Done():
		return s.drain(context.WithoutCancel(ctx), server, stop)
	}
}

// countConnection is told of each change of a connection.
func (s *Server) countConnection(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.connections.Add(-1)
	}
}

// drain ends the server. Requests with signals hang on their context alone, so that
// cancelling it ends those that outlive DrainTimeout at once.
func (s *Server) drain(ctx context.Context, server *http.Server, stop context.CancelCauseFunc) error {
	s.draining.Store(true)
	drain, cancel := context.WithTimeout(ctx, s.cfg.DrainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if err == nil {
		return nil
	}
	stop(errStopped)
	last, cancelLast := context.WithTimeout(ctx, s.cfg.CheckTimeout)
	defer cancelLast()
	return fmt.Errorf("web: requests were still in flight after %s: %w", s.cfg.DrainTimeout,
		errors.Join(err, s.limiter.wait(last), server.Close()))
}
