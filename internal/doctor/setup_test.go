package doctor

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/natstest"
)

// options are those of tests: quick, and only NATS.
func options(url string) Options {
	opts := DefaultOptions()
	opts.NATS.URL, opts.HTTP, opts.Kubernetes = url, nil, KubernetesOff
	opts.Between, opts.Still = 200*time.Millisecond, time.Millisecond
	return opts
}

func connect(t *testing.T, url string) *bus.Bus {
	t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = url
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// provisioned starts a NATS with HAL9's streams and nobody who works on them.
func provisioned(t *testing.T, change func(*bus.Topology)) (url string, js jetstream.JetStream) {
	t.Helper()
	server := natstest.Start(t)
	topology := bus.DefaultTopology()
	if change != nil {
		change(&topology)
	}
	if err := connect(t, server.ClientURL()).Provision(t.Context(), topology); err != nil {
		t.Fatal(err)
	}
	return server.ClientURL(), client(t, server.ClientURL())
}

// client speaks to JetStream as somebody does who breaks things.
func client(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func publish(t *testing.T, js jetstream.JetStream, subject, data string, header ...string) {
	t.Helper()
	msg := nats.NewMsg(subject)
	msg.Data = []byte(data)
	for i := 0; i+1 < len(header); i += 2 {
		msg.Header.Set(header[i], header[i+1])
	}
	if _, err := js.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
}

func examine(t *testing.T, opts Options) *Report {
	t.Helper()
	return NewReport(Examine(t.Context(), opts, slog.New(slog.DiscardHandler)), nil)
}

// finding returns the one finding of a kind.
func finding(t *testing.T, r *Report, id string) Finding {
	t.Helper()
	at := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.ID == id })
	if at < 0 {
		t.Fatalf("no finding %q, but %s", id, show(r))
	}
	return r.Findings[at]
}

func show(r *Report) string {
	var b strings.Builder
	for i := range r.Findings {
		f := &r.Findings[i]
		fmt.Fprintf(&b, "\n  %s %s: %s\n     %s\n     %+v", f.Severity, f.ID, f.What, strings.Join(f.Evidence, "\n     "), f.Commands)
	}
	return b.String()
}

// holds requires that a finding says all of these, in its line, evidence or commands.
func (f *Finding) holds(t *testing.T, severity Severity, texts ...string) {
	t.Helper()
	lines := []string{f.What, strings.Join(f.Evidence, "\n")}
	for _, c := range f.Commands {
		lines = append(lines, c.Run)
	}
	all := strings.Join(lines, "\n")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("%s does not say %q:\n%s", f.ID, text, all)
		}
	}
	if f.Severity != severity {
		t.Errorf("%s is %s, want %s:\n%s", f.ID, f.Severity, severity, all)
	}
}

func (r *Report) without(t *testing.T, ids ...string) {
	t.Helper()
	for i := range r.Findings {
		if slices.Contains(ids, r.Findings[i].ID) {
			t.Errorf("unexpected: %s", show(&Report{Findings: r.Findings[i : i+1]}))
		}
	}
}
