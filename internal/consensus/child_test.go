package consensus_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/consensus"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/tactical"
)

// What a child process, which is there to be killed, gets from its environment.
const (
	childURL    = "HAL9_COUNCIL_NATS"
	childTarget = "HAL9_COUNCIL_TARGET"
	childName   = "HAL9_COUNCIL_NAME"
)

// child is a process of L4, as far as the council goes. It does not return.
func child() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	cfg := bus.DefaultConfig()
	cfg.URL = os.Getenv(childURL)
	b, err := bus.Connect(cfg, log)
	fail(err)
	leases, err := b.Leases(ctx, os.Getenv(childName), layers.NameL4)
	fail(err)
	c, err := consensus.New(ctx, consensus.Config{
		Council: tactical.DefaultCouncil(), Playbooks: playbooks(os.Getenv(childTarget)), Process: os.Getenv(childName), Partitions: 1,
	}, consensus.Deps{
		Bus: b, Leases: leases, Compile: expr.Situation, Client: http.DefaultClient, Observer: nobody{}, Log: log, Now: time.Now,
	})
	fail(err)
	fail(c.Run(ctx))
	os.Exit(0)
}

// spawn starts a child on a node and returns what kills it, as kill -9 does.
func (r *rig) spawn(t *testing.T, node int, name string) (kill func()) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	cmd.Env = append(os.Environ(), childURL+"="+r.urls[node%len(r.urls)], childTarget+"="+r.target.URL, childName+"="+name)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	return kill
}
