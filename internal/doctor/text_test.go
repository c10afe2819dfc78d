package doctor

import (
	"archive/tar"
	stdbytes "bytes"
	"compress/gzip"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/escalation"
	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/internal/journal"
	"github.com/2lab-ai/hal9/internal/kube"
)

// night is a bad one.
func night() *Report {
	f := calm()
	behind(f)
	inKubernetes(f)
	f.Kubernetes.Workloads[1] = WorkloadLine{Name: "hal9-l3", Wanted: 5, Ready: 2, Holds: []kube.Hold{{
		Kind: kube.HoldUnschedulable, Pods: []string{"hal9-l3-5c-a", "hal9-l3-5c-b", "hal9-l3-5c-c"}, What: "no node takes them: too little cpu on 2 nodes",
		Detail: "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available",
	}}}
	f.NATS.Last.Streams[0].Bytes = 1 << 30 / 100 * 97
	f.Processes[1].Version = "v1.1"
	f.Processes[1].Errors = []journal.Entry{
		{Level: "ERROR", Message: "stage failed", Detail: "error=\x1b[31mboom\nsecond line", Last: three.Add(-time.Minute), Count: 41},
		{Level: "WARN", Message: "slow", Last: three, Count: 2},
	}
	f.NATS.Last.Missing = []string{"consumer sink-chat on HAL9_SITUATIONS"}
	return NewReport(f, []escalation.Step{
		{Contact: "#platform-oncall"},
		{Contact: "on-call phone +49 30 1234567", Severity: escalation.SeverityCritical, After: 15 * time.Minute},
		{Contact: "nobody is woken for this", Severity: escalation.SeverityWarning},
	})
}

func TestTextOfANight(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]Style{
		"night.txt": {Art: true, Width: 80}, "night-all.txt": {All: true, Width: 80}, "night-colour.txt": {Art: true, Colour: true, Width: 80},
	} {
		var out stdbytes.Buffer
		if err := Text(&out, night(), style); err != nil {
			t.Fatal(err)
		}
		goldentest.Check(t, filepath.Join("testdata", name), out.String())
		lines := strings.Split(out.String(), "\n")
		if !style.All && len(lines) > 45 {
			t.Errorf("%s has %d lines, which are more than a screen", name, len(lines))
		}
		for _, line := range lines {
			if n := utf8.RuneCountInString(line); n > 80 && !style.Colour && !strings.HasPrefix(line, "   > ") {
				t.Errorf("%s: %d characters: %s", name, n, line)
			}
		}
	}
	var out stdbytes.Buffer
	if err := Text(&out, NewReport(calm(), nil), Style{Art: true}); err != nil {
		t.Fatal(err)
	}
	goldentest.Check(t, "testdata/calm.txt", out.String())
}

func TestBundle(t *testing.T) {
	t.Parallel()
	f := calm()
	f.NATS.URL = redactURL("nats://dave:open-the-doors@10.0.0.1:4222,nats://token@10.0.0.2:4222")
	f.NATS.Last.Server = bus.ServerView{URL: "nats://dave:open-the-doors@10.0.0.1:4222"}
	b := Bundle{
		Report: NewReport(f, nil), Facts: f,
		Config: []byte("sinks:\n  - name: chat\n    webhook: https://chat.example.com/hooks/open-the-doors\n    password: \"open-the-doors\"\n"),
		Extra:  map[string]string{"kubernetes/logs.txt": "level=WARN msg=x authorization=\"Bearer open-the-doors\" other=kept\n"},
	}
	var out stdbytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	packed, err := gzip.NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(packed); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(header.Name, "/")
		files[name] = string(data)
		if strings.Contains(string(data), "open-the-doors") {
			t.Errorf("%s has the secret:\n%s", name, data)
		}
	}
	for name, text := range map[string]string{
		"README.txt": "facts.json", "report.txt": "HEALTHY", "report.json": `"state": "healthy"`, "facts.json": `"stream": "HAL9_L3"`, "recovery.sh": "#!/bin/sh",
		"hal9.yaml": "https://chat.example.com/[redacted]", "kubernetes/logs.txt": "other=kept",
	} {
		if !strings.Contains(files[name], text) {
			t.Errorf("%s has no %q:\n%s", name, text, files[name])
		}
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nats://dave:pw@host:4222 and http://x/":                             "nats://host:4222 and http://x",
		`password: hunter2`:                                                  `password: [redacted]`,
		`"api_key": "abc", "other": 1`:                                       `"api_key": [redacted], "other": 1`,
		`DB_PASSWORD=abc HOST=x`:                                             `DB_PASSWORD=[redacted] HOST=x`,
		`Authorization: Bearer abcdefghijkl`:                                 `Authorization: [redacted]`,
		`sent Bearer abcdefghijkl`:                                           `sent Bearer [redacted]`,
		"-----BEGIN NATS USER JWT-----\neyJ0\n------END NATS USER JWT------": "[redacted]",
		"a token bucket is full":                                             "a token bucket is full",
	} {
		if got := redact(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	described := "Containers:\n  hal9:\n    Environment:\n      HAL9_LAYER:  L3\n      SECRET_SAUCE:  abc\n      FROM:  <set to the key 'x' in secret 'y'>\n    Mounts:\n      /etc:  x\n"
	want := strings.Replace(described, "  abc", "  [redacted]", 1)
	if got := hideEnvironment(described); got != want {
		t.Errorf("%s", cmp.Diff(want, got))
	}
}

// FuzzRedact holds that what surely is a secret never stays, whatever stands around it.
func FuzzRedact(f *testing.F) {
	f.Add("before ", " after")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(redact(before+"\nnats://u:Zq7Zq7@h:1 "+after), "Zq7Zq7") {
			t.Errorf("it stays between %q and %q", before, after)
		}
	})
}
