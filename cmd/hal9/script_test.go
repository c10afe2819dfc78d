package main

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/2lab-ai/hal9/internal/natsserver"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hal9": main})
}

// TestScripts runs the commands as a user types them; see testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			// Under the race detector each process would sleep for a second before it exits.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"nats": startNATS, "ready": awaitReady, "ports": splitPorts, "resume": resumeLine, "oneline": oneLineOnly,
			"publish": publishMessage, "eventually": runUntil,
			"drop": dropConsumer,
		},
	})
}

// startNATS starts a NATS server for the script and sets $NATS to its address.
func startNATS(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: nats")
	}
	cfg := natsserver.DefaultConfig()
	cfg.Port = 0
	cfg.DataDir = ts.MkAbs("nats-data")
	server, err := natsserver.Start(cfg, slog.New(slog.DiscardHandler))
	ts.Check(err)
	ts.Defer(server.Stop)
	ts.Setenv("NATS", server.URL())
}

// awaitReady waits for a --ready-file and sets $NATS and $HTTP from it.
func awaitReady(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready FILE")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		if data, err := os.ReadFile(ts.MkAbs(args[0])); err == nil {
			ts.Setenv("NATS", between(string(data), `"nats":"`))
			ts.Setenv("HTTP", between(string(data), `"http":"`))
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			ts.Fatalf("%s did not appear", args[0])
		}
	}
}

// splitPorts sets $NATS_PORT and $HTTP_PORT from $NATS and $HTTP.
func splitPorts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: ports")
	}
	for _, name := range []string{"NATS", "HTTP"} {
		address, err := url.Parse(ts.Getenv(name))
		ts.Check(err)
		ts.Setenv(name+"_PORT", address.Port())
	}
}

// resumeLine sets $LINE to where the last command said to go on.
func resumeLine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: resume")
	}
	_, line, _ := strings.Cut(ts.ReadFile("stdout"), "--from-line ")
	ts.Setenv("LINE", strings.TrimSpace(line))
}

func between(text, start string) string {
	_, rest, _ := strings.Cut(text, start)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// oneLineOnly requires that the last command said one line on stderr.
func oneLineOnly(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: oneline")
	}
	if text := ts.ReadFile("stderr"); strings.Count(text, "\n") != 1 {
		ts.Fatalf("stderr has not one line:\n%s", text)
	}
}

// publishMessage publishes a message to $NATS, as any NATS client does.
func publishMessage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: publish SUBJECT DATA [NAME:VALUE ...]")
	}
	nc, err := nats.Connect(ts.Getenv("NATS"))
	ts.Check(err)
	defer nc.Close()
	msg := nats.NewMsg(args[0])
	msg.Data = []byte(args[1])
	for _, header := range args[2:] {
		name, value, _ := strings.Cut(header, ":")
		msg.Header.Set(name, value)
	}
	_, err = nc.RequestMsg(msg, 10*time.Second)
	ts.Check(err)
}

// dropConsumer deletes a consumer on $NATS, as a mishap does.
func dropConsumer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: drop STREAM CONSUMER")
	}
	nc, err := nats.Connect(ts.Getenv("NATS"))
	ts.Check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ts.Check(js.DeleteConsumer(ctx, args[0], args[1]))
}

// runUntil runs a command, that must fail behind a !, until its output holds a text, at most 20 seconds.
func runUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually TEXT [!] COMMAND...")
	}
	fails := args[1] == "!"
	if fails {
		args = append(args[:1:1], args[2:]...)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); (err != nil) == fails && strings.Contains(out, args[0]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q never says %q", args[1:], args[0])
		}
	}
}
