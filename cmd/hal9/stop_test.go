package main

import (
	"context"
	"io"
	"testing"
)

// TestStopWhileStartingIsNoFailure asks a process to stop before it has begun.
func TestStopWhileStartingIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root := newRoot()
	root.SetArgs([]string{"up", "--data", t.TempDir(), "--nats-port", "0", "--http", "127.0.0.1:0"})
	root.SetOut(io.Discard)
	root.SetErr(io.Discard)
	if err := root.ExecuteContext(ctx); err != nil {
		t.Errorf("error %v, want none", err)
	}
}
