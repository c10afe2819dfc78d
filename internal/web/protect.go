package web

import (
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
)

// protect puts around every request: headers that keep browsers from guessing, caching and
// framing; refusal of what other sites' pages send; and a 500 in place of a panic.
func (s *Server) protect(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(handler(func(http.ResponseWriter, *http.Request) error {
		return refuse(http.StatusForbidden, "a page of another site sent this request: that is not allowed")
	}))
	return s.recovered(secured(origin.Handler(next)))
}

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// recovered turns a handler's panic into an answer.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		watched := &watchedWriter{ResponseWriter: w}
		defer s.answerPanic(watched, r)
		next.ServeHTTP(watched, r)
	})
}

// answerPanic, deferred, logs a panic and answers 500. Where an answer has begun it drops
// the connection, because half an answer must not look whole.
func (s *Server) answerPanic(w *watchedWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler) // net/http's own way to drop a connection
	}
	s.deps.Log.ErrorContext(r.Context(), "A request handler panicked.",
		"method", r.Method, "path", r.URL.Path, "panic", cause, "stack", string(debug.Stack()))
	if w.sent {
		panic(http.ErrAbortHandler)
	}
	writeRefusal(w, refuse(http.StatusInternalServerError, "an error inside HAL9: its log says more"))
}

// watchedWriter knows whether an answer has begun.
type watchedWriter struct {
	http.ResponseWriter
	sent bool
}

// WriteHeader implements http.ResponseWriter.
func (w *watchedWriter) WriteHeader(status int) {
	w.sent = true
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *watchedWriter) Write(p []byte) (int, error) {
	w.sent = true
	return w.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// guarded refuses requests for foreign host names while listening on a loopback address,
// so that no name of a foreign site that resolves to 127.0.0.1 reaches this server.
func (s *Server) guarded(listen net.Addr, next http.Handler) http.Handler {
	tcp, ok := listen.(*net.TCPAddr)
	if !ok || !tcp.IP.IsLoopback() {
		return next
	}
	return secured(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.hostKnown(r.Host) {
			writeRefusal(w, refuse(http.StatusMisdirectedRequest, "host %q is not this server's: want localhost or an address", r.Host))
			return
		}
		next.ServeHTTP(w, r)
	}))
}

func (s *Server) hostKnown(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		net.ParseIP(host) != nil || slices.Contains(s.cfg.Hosts, host)
}
