package main

import (
	"context"
	"log/slog"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natsserver"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hal9-keda": main})
}

// TestScripts runs the commands as a user types them; see testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"nats": startNATS,
		},
	})
}

// startNATS starts a NATS server with a HAL9 of three partitions for the script and sets $NATS to its address.
func startNATS(ts *testscript.TestScript, _ bool, _ []string) {
	cfg := natsserver.DefaultConfig()
	cfg.Port = 0
	cfg.DataDir = ts.MkAbs("nats-data")
	log := slog.New(slog.DiscardHandler)
	server, err := natsserver.Start(cfg, log)
	ts.Check(err)
	ts.Defer(server.Stop)
	client := bus.DefaultConfig()
	client.URL = server.URL()
	b, err := bus.Connect(client, log)
	ts.Check(err)
	defer b.Close()
	topology := bus.DefaultTopology()
	topology.Partitions = 3
	ts.Check(b.Provision(context.Background(), topology))
	ts.Setenv("NATS", server.URL())
}
