package main

import (
	"net/http"
	"testing"
)

// TestBoundedServer: nobody holds a connection for ever, be it by sending slowly or by sending nothing.
func TestBoundedServer(t *testing.T) {
	t.Parallel()
	s := boundedServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("%+v", s)
	}
}
