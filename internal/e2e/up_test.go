package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func up(t *testing.T, data string, more ...string) *process {
	t.Helper()
	return start(t, append([]string{"up", "--nats-port", "0", "--http", "127.0.0.1:0", "--data", data}, more...)...)
}

// realSignals are two log sources and three metric series; where the data is not at hand, a sample
// of one series and made-up log lines.
func realSignals(t *testing.T) []line {
	t.Helper()
	dir, ok := findData()
	if !ok {
		return sampleSignals(t)
	}
	list := append(loglines(t, dir, "OpenSSH"), loglines(t, dir, "Zookeeper")...)
	list = append(list, samples(t, dir, "realKnownCause", "ec2_request_latency_system_failure")...)
	list = append(list, samples(t, dir, "realAWSCloudwatch", "ec2_cpu_utilization_24ae8d")...)
	return append(list, samples(t, dir, "artificialWithAnomaly", "art_daily_jumpsup")...)
}

func sampleSignals(t *testing.T) []line {
	t.Helper()
	list := samplesOf(t, filepath.Join("..", "..", ".ci", "testdata", "nab", "ec2_cpu_utilization_fe7f93.csv"), "ec2_cpu_utilization_fe7f93")
	for i := range 9000 {
		id := fmt.Sprint("app-", i)
		level := []string{"INFO", "INFO", "WARN", "INFO", "ERROR"}[i*i%5]
		list = append(list, line{"app", id, fmt.Sprintf(`{"id":%q,"host":"web-%d","message":"%s request %d took %d ms"}`, id, i%20, level, i, i%97)})
	}
	return list
}

func idsOf(list []line) map[string]bool {
	ids := map[string]bool{}
	for _, l := range list {
		ids[l.source+"|"+l.id] = true
	}
	return ids
}

func (l line) message() *nats.Msg {
	return &nats.Msg{Subject: "hal9.signals." + l.source, Data: []byte(l.data)}
}

func TestUpGivesEachRealSignalOneVerdict(t *testing.T) {
	list := realSignals(t)
	p := up(t, t.TempDir())
	_, js := dial(t, p.NATS)
	var futures []jetstream.PubAckFuture
	for _, l := range list {
		future, err := js.PublishMsgAsync(l.message(), jetstream.WithStallWait(10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		futures = append(futures, future)
	}
	for _, future := range futures {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			t.Fatal(err)
		}
	}
	got := eachOnce(t, js, idsOf(list))
	layers := map[string]int{}
	for _, v := range got {
		layers[v[0].Layer]++
	}
	for _, layer := range []string{"L2", "L3"} {
		if layers[layer] == 0 {
			t.Errorf("no signal ended at %s: %v", layer, layers)
		}
	}
	t.Logf("%d signals ended at %v", len(got), layers)
	p.stop(t)
}

// TestUpSurvivesKill9 kills the process in the middle of a feed, twice, and counts.
func TestUpSurvivesKill9(t *testing.T) {
	list := realSignals(t)
	data := t.TempDir()
	acknowledged := map[string]bool{}
	random := rand.New(rand.NewPCG(9, 9))
	next := 0
	for life := range 3 {
		p := up(t, data)
		_, js := dial(t, p.NATS)
		until := len(list)
		if life < 2 {
			until = next + len(list)/4 + random.IntN(len(list)/8)
		}
		for ; next < until; next++ {
			// What was sent around the kill is sent again, as a careful client would.
			if _, err := js.PublishMsg(t.Context(), list[next].message()); err != nil {
				t.Fatal(err)
			}
			acknowledged[list[next].source+"|"+list[next].id] = true
		}
		if life < 2 {
			p.kill()
			next -= 5
			continue
		}
		eachOnce(t, js, acknowledged)
		p.stop(t)
	}
}

func TestUpSaysInOneLineWhyItCannotStart(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	locked := t.TempDir()
	up(t, locked)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"HTTP port taken":   {[]string{"--http", "127.0.0.1:" + port}, "choose another with --http"},
		"NATS port taken":   {[]string{"--nats-port", port}, "--nats-port"},
		"data is a file":    {[]string{"--data", file}, "--data"},
		"data is locked":    {[]string{"--data", locked}, "in use by another hal9"},
		"bad address":       {[]string{"--http", "nonsense"}, "want host:port"},
		"bad port":          {[]string{"--nats-port", "70000"}, "65535"},
		"bad partitions":    {[]string{"--partitions", "0"}, "partitions"},
		"bad sync":          {[]string{"--sync", "sometimes"}, "interval or always"},
		"unknown flag":      {[]string{"--colour"}, "unknown flag"},
		"no number":         {[]string{"--nats-port", "x"}, "--nats-port"},
		"no configuration":  {[]string{"--config", "absent.yaml"}, "absent.yaml"},
		"unexpected words":  {[]string{"now"}, "now"},
		"bad log level":     {[]string{"--log-level", "loud"}, "debug, info, warn or error"},
		"bad log format":    {[]string{"--log-format", "xml"}, "text or json"},
		"unwritable folder": {[]string{"--data", "/proc/hal9"}, "--data"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"up", "--nats-port", "0", "--http", "127.0.0.1:0", "--data", t.TempDir()}, c.args...)
			if text := fails(t, args...); !strings.Contains(text, c.want) {
				t.Errorf("it says %q, want %q in it", text, c.want)
			}
		})
	}
}

// TestUpWithPartitionsCorrelatesAcrossThem runs keyed layers in four partitions: signals of related keys
// that lie in different partitions still come together in one situation.
func TestUpWithPartitionsCorrelatesAcrossThem(t *testing.T) {
	data := t.TempDir()
	p := up(t, data, "--partitions", "4")
	_, js := dial(t, p.NATS)
	want := map[string]bool{}
	for i := range 24 {
		id := fmt.Sprint("c", i)
		publish(t, js, &nats.Msg{Subject: "hal9.signals.shop", Data: fmt.Appendf(nil,
			`{"id":%q,"subject":"db-%d","severity":"critical","message":"disk is full","labels":{"cluster":"eu"}}`, id, i%12)})
		want["shop|"+id] = true
	}
	situations := map[string]bool{}
	for _, v := range eachOnce(t, js, want) {
		situations[v[0].SituationID] = true
	}
	if len(situations) != 1 || situations[""] {
		t.Errorf("24 related signals are in situations %v, want one", situations)
	}
	p.kill()
	up(t, data, "--partitions", "4").stop(t)
}
