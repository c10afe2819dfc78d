package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStatusJSON(t *testing.T) {
	b := setup(t)
	var got map[string]any
	if err := json.Unmarshal(b.get(t, "/v1/status").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	zero := map[string]any{"suppressed": 0.0, "resolved": 0.0, "folded": 0.0, "escalated": 0.0, "dead": 0.0}
	want := map[string]any{
		"version": "v1.2.3", "commit": "abc1234", "started_at": "2026-03-01T10:30:00Z", "uptime_us": 5.4e9, "ready": true,
		"checks": []any{map[string]any{"name": "nats", "ok": true}, map[string]any{"name": "L1", "ok": true}},
		"nats":   map[string]any{"url": "nats://127.0.0.1:4222,nats://other:4222", "connected": true},
		"layers": []any{
			map[string]any{
				"layer": "L1", "title": "Reflexive", "running": true, "queue_depth": 1234.0, "oldest_age_us": 1.5e6,
				"signals_in": 10.0, "signals_out": 4.0, "compression": 2.5,
				"signals": map[string]any{"suppressed": 6.0, "resolved": 0.0, "folded": 0.0, "escalated": 4.0, "dead": 0.0},
			},
			map[string]any{
				"layer": "L2", "title": "Implementation", "running": false, "queue_depth": nil, "oldest_age_us": nil,
				"signals_in": 0.0, "signals_out": 0.0, "compression": nil, "signals": zero,
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestPage(t *testing.T) {
	b := setup(t)
	b.state.Version = "<script>alert(1)</script>"
	rec := b.get(t, "/")
	page := rec.Body.String()
	for _, want := range []string{
		"Ready", "1 h 30 min", "2026-03-01T10:30:00Z", "nats://127.0.0.1:4222,nats://other:4222",
		"Reflexive", "1\u202f234", "oldest 1 s", "2.5\u202f:\u202f1", "suppressed <b>6</b>", "not in this process", "unknown",
		"http://example.com/v1/signals", "hal9 tail", `href="/metrics"`, `href="/readyz"`, "&lt;script&gt;",
		`<rect class="escalated" x="60.000" width="40.000"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, never := range []string{"<script", "ZgotmplZ", "Why not ready"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
	if got := rec.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
}

// TestPageShowsObjectives has one that burns and one without data; both stand in the status, too.
func TestPageShowsObjectives(t *testing.T) {
	b := setup(t)
	b.state.Objectives = []Objective{
		{Name: "<shop>", Target: .999, WindowUS: (30 * 24 * time.Hour).Microseconds(), Good: 990, Total: 1000, Remaining: -9, BurnRate: 10, Firing: []string{"medium", "slow"}},
		{Name: "idle", Target: .9, WindowUS: time.Hour.Microseconds(), Remaining: 1, Firing: []string{}},
	}
	page := b.get(t, "/").Body.String()
	for _, want := range []string{
		"&lt;shop&gt;", "burning: medium, slow", "99.9\u202f%", "over 30 d<", "990 of 1\u202f000", `class="bad">-900.0`, "10.00×", "no data yet",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	status := b.get(t, "/v1/status").Body.String()
	if !strings.Contains(status, `"budget_remaining":-9,"burn_rate":10,"alerts_firing":["medium","slow"]`) {
		t.Errorf("status %s", status)
	}
}

func TestTrendsThatCannotBeRead(t *testing.T) {
	b := setup(t)
	b.trendsFail = errors.New("no NATS")
	if rec := b.get(t, "/v1/trends"); rec.Code != 503 || !strings.Contains(rec.Body.String(), "no NATS") {
		t.Errorf("status %d: %s", rec.Code, rec.Body)
	}
}

// TestPageSelfContained shows that a browser loads nothing else and applies the style: the
// policy names the hash of the very text that the page holds.
func TestPageSelfContained(t *testing.T) {
	rec := setup(t).get(t, "/")
	page := rec.Body.String()
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	policy := rec.Header().Get("Content-Security-Policy")
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
		t.Errorf("policy %q has no %s", policy, want)
	}
	if found := regexp.MustCompile(`(?:src|href)="(?:https?:)?//[^"]*"|@import|url\(|style="`).FindString(page); found != "" {
		t.Errorf("the page has %s", found)
	}
}

func TestPageNotReady(t *testing.T) {
	b := setup(t)
	b.ready = []Check{{Name: "nats", OK: true}, {Name: "L3", Detail: "run hal9 provision"}}
	page := b.get(t, "/").Body.String()
	if !strings.Contains(page, "Not ready") || !strings.Contains(page, "<b>L3</b>: run hal9 provision") || strings.Contains(page, "<b>nats</b>") {
		t.Error("the page does not say what is missing, and only that")
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "0 s", 0: "0 s", 900 * time.Microsecond: "0 s", 12 * time.Millisecond: "12 ms", 59 * time.Second: "59 s",
		61 * time.Second: "1 min 1 s", 23*time.Hour + 59*time.Minute: "23 h 59 min", 50 * time.Hour: "2 d 2 h",
	} {
		if got := durationText(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
