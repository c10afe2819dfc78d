package kube

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// program returns a client of a kubectl that is a shell script. Tests with one run one after another: a script that is
// being written while another test starts a process can't be started.
func program(t *testing.T, script string) Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubectl")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	c := NewClient()
	c.Program = path
	return c
}

// TestDoneIsDone has a kubectl that succeeds and leaves somebody behind who holds its output, as login helpers do.
func TestDoneIsDone(t *testing.T) {
	c := program(t, "echo patched\nsleep 4 &\n")
	out, err := c.Run(t.Context(), "patch", "deployment", "x")
	if err != nil || string(out) != "patched\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// TestStoppedIsNotUnreachable has whoever asks go away, and a cluster that does not answer in time.
func TestStoppedIsNotUnreachable(t *testing.T) {
	begun := filepath.Join(t.TempDir(), "begun")
	c := program(t, "echo half\necho 'open your browser' >&2\n: > "+begun+"\nexec sleep 20\n")
	check := func(ctx context.Context, trouble Trouble, text string) {
		t.Helper()
		out, err := c.Run(ctx, "describe", "pods")
		if TroubleOf(err) != trouble || !strings.HasSuffix(err.Error(), text) || string(out) != "half\n" {
			t.Errorf("%q, %v: want %s, %q", out, err, trouble, text)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		defer cancel()
		for range 2000 {
			if _, err := os.Stat(begun); err == nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	check(ctx, TroubleStopped, "stopped: open your browser")
	c.Timeout, c.Again = 2*time.Second-grace, 0
	check(t.Context(), TroubleUnreachable, ": open your browser")
}

// TestPlaceWithinAPod has no configuration, and the account of a pod; and neither.
func TestPlaceWithinAPod(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
	const script = `case "$*" in
*--request-timeout*) echo 'The connection to the server localhost:8080 was refused' >&2; exit 1;;
*"config view"*) echo 'error: current-context must exist in order to minify' >&2; exit 1;;
*) ` // the text is of kubectl 1.32
	c := program(t, script+`echo '{"status":{"userInfo":{"username":"system:serviceaccount:hal9:night"}}}';; esac`)
	place, err := c.Place(t.Context())
	if diff := cmp.Diff(Place{User: "system:serviceaccount:hal9:night", Namespace: "hal9"}, place); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	c = program(t, script+`echo 'The connection to the server localhost:8080 was refused' >&2; exit 1;; esac`)
	if _, err := c.Place(t.Context()); TroubleOf(err) != TroubleUnreachable || !strings.Contains(err.Error(), "no current context") {
		t.Errorf("without anything: %v", err)
	}
}

// TestLogsAreOfTheContainer reads what the container wrote that holds a pod back.
func TestLogsAreOfTheContainer(t *testing.T) {
	c := program(t, `case "$*" in
*"logs p --container provisioned --tail 5"*) echo "missing: stream HAL9_L3";;
*) echo "previous terminated container not found" >&2; exit 1;; esac`)
	holds := []Hold{{Kind: HoldInit, Pods: []string{"p"}, Container: "provisioned"}, {Kind: HoldCrash, Pods: []string{"p"}, Container: "provisioned"}, {Kind: HoldImage, Pods: []string{"p"}}}
	c.ReadLogs(t.Context(), holds)
	for i, want := range []string{"missing: stream HAL9_L3", "missing: stream HAL9_L3", ""} {
		if got := strings.Join(holds[i].Log, "\n"); got != want {
			t.Errorf("%s: %q, want %q", holds[i].Kind, got, want)
		}
	}
}
