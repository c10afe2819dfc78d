package natsserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/2lab-ai/hal9/internal/natsserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(dir string) natsserver.Config {
	cfg := natsserver.DefaultConfig()
	cfg.Port = 0
	cfg.DataDir = dir
	return cfg
}

func start(cfg natsserver.Config) (*natsserver.Server, error) {
	return natsserver.Start(cfg, slog.New(slog.DiscardHandler))
}

// filled returns a folder in which a server has kept a stream, a durable consumer and 100 messages.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := start(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	nc, err := nats.Connect("", s.InProcess())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "d", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if _, err := js.Publish(t.Context(), "s", fmt.Append(nil, "message ", i)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func count(t *testing.T, s *natsserver.Server) (messages uint64, hasConsumer bool) {
	t.Helper()
	nc, err := nats.Connect("", s.InProcess())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Consumer(t.Context(), "d")
	return stream.CachedInfo().State.Msgs, err == nil
}

func TestRestartKeepsEverything(t *testing.T) {
	dir := filled(t)
	s, err := start(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if n, consumer := count(t, s); n != 100 || !consumer {
		t.Errorf("%d messages, consumer %v: want 100 and the consumer", n, consumer)
	}
}

func overwrite(t *testing.T, data string) func(path string) {
	t.Helper()
	return func(path string) {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// garble overwrites the middle of a file of messages and takes the index away: with an index the
// server reads the messages only when they are asked for.
func garble(t *testing.T) func(path string) {
	t.Helper()
	return func(path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copy(data[len(data)/2:], bytes.Repeat([]byte{0xaa}, 100))
		overwrite(t, string(data))(path)
		if err := os.Remove(filepath.Join(filepath.Dir(path), "index.db")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedStoreIsRefusedInOneLine(t *testing.T) {
	remove := func(path string) { _ = os.Remove(path) }
	for name, c := range map[string]struct {
		file   string
		damage func(path string)
	}{
		"garbage as a stream's description":   {"meta.inf", overwrite(t, "garbage")},
		"empty description of a stream":       {"meta.inf", overwrite(t, "")},
		"garbage as its checksum":             {"meta.sum", overwrite(t, "0000")},
		"no checksum":                         {"meta.sum", remove},
		"no description":                      {"meta.inf", remove},
		"garbage as a consumer's description": {"obs/d/meta.inf", overwrite(t, "garbage")},
		"no description of a consumer":        {"obs/d/meta.inf", remove},
		"garbage among the messages":          {"msgs/1.blk", garble(t)},
		"no messages":                         {"msgs/1.blk", remove},
		"messages cut off":                    {"msgs/1.blk", func(path string) { _ = os.Truncate(path, 1000) }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			path := filepath.Join(dir, "jetstream", "$G", "streams", "S", c.file)
			if _, err := os.Stat(path); err != nil {
				t.Fatal(err)
			}
			c.damage(path)
			s, err := start(config(dir))
			if err == nil {
				s.Stop()
				t.Fatal("the server started on a damaged store")
			}
			if text := err.Error(); !strings.Contains(text, "is damaged") || !strings.Contains(text, dir) || strings.Contains(text, "\n") {
				t.Errorf("it says %q, want one line with the folder", text)
			}
		})
	}
}

// TestUnfinishedFoldersAreNoDamage leaves what a server leaves that is killed while it makes a stream
// and a consumer.
func TestUnfinishedFoldersAreNoDamage(t *testing.T) {
	dir := filled(t)
	streams := filepath.Join(dir, "jetstream", "$G", "streams")
	for _, folder := range []string{
		filepath.Join(streams, "EMPTY", "msgs"), filepath.Join(streams, "HALF", "obs"), filepath.Join(streams, "S", "obs", "half"),
	} {
		if err := os.MkdirAll(folder, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	overwrite(t, "{}")(filepath.Join(streams, "HALF", "meta.inf")) // its checksum was still to come
	s, err := start(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if n, consumer := count(t, s); n != 100 || !consumer {
		t.Errorf("%d messages, consumer %v: want 100 and the consumer", n, consumer)
	}
}

// TestLossCanBeAccepted follows the advice in the error: without the marks the rest is served.
func TestLossCanBeAccepted(t *testing.T) {
	dir := filled(t)
	garble(t)(filepath.Join(dir, "jetstream", "$G", "streams", "S", "msgs", "1.blk"))
	_, err := start(config(dir))
	if err == nil || !strings.Contains(err.Error(), "delete "+filepath.Join(dir, "hal9.marks")) {
		t.Fatalf("error %v, want one that says how to go on", err)
	}
	if err := os.Remove(filepath.Join(dir, "hal9.marks")); err != nil {
		t.Fatal(err)
	}
	s, err := start(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if n, _ := count(t, s); n == 0 || n >= 100 {
		t.Errorf("%d messages, want those before the damage", n)
	}
}

// TestIndexIsRebuilt proves that damage of what can be made anew is no damage.
func TestIndexIsRebuilt(t *testing.T) {
	dir := filled(t)
	overwrite(t, "garbage")(filepath.Join(dir, "jetstream", "$G", "streams", "S", "msgs", "index.db"))
	s, err := start(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if n, consumer := count(t, s); n != 100 || !consumer {
		t.Errorf("%d messages, consumer %v: want 100 and the consumer", n, consumer)
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	overwrite(t, "x")(file)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	locked := t.TempDir()
	s, err := start(config(locked))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	for name, c := range map[string]struct {
		change func(*natsserver.Config)
		want   string
	}{
		"no folder":       {func(c *natsserver.Config) { c.DataDir = "" }, "--data"},
		"folder is file":  {func(c *natsserver.Config) { c.DataDir = file }, "--data"},
		"below a file":    {func(c *natsserver.Config) { c.DataDir = filepath.Join(file, "x") }, "--data"},
		"folder in use":   {func(c *natsserver.Config) { c.DataDir = locked }, "in use by another hal9"},
		"port in use":     {func(c *natsserver.Config) { c.Port = taken.Addr().(*net.TCPAddr).Port }, "--nats-port"},
		"impossible port": {func(c *natsserver.Config) { c.Port = 70000 }, "65535"},
	} {
		cfg := config(t.TempDir())
		c.change(&cfg)
		s, err := start(cfg)
		if err == nil {
			s.Stop()
			t.Fatalf("%s: the server started", name)
		}
		if text := err.Error(); !strings.HasPrefix(text, "natsserver: ") || !strings.Contains(text, c.want) || strings.Contains(text, "\n") {
			t.Errorf("%s: it says %q, want one line with %q", name, text, c.want)
		}
	}
}

func TestStopTwiceAndStartAgainOnTheSamePort(t *testing.T) {
	cfg := config(t.TempDir())
	s, err := start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Port = s.Port()
	s.Stop()
	s.Stop()
	begun := time.Now()
	if s, err = start(cfg); err != nil {
		t.Fatal(err)
	}
	t.Logf("started again in %s on %s", time.Since(begun), s.URL())
	s.Stop()
}

// TestServerFlushesAsItIsTold asks the server itself when it flushes.
func TestServerFlushesAsItIsTold(t *testing.T) {
	for _, always := range []bool{false, true} {
		cfg := config(t.TempDir())
		cfg.Monitoring, cfg.SyncAlways = true, always
		s, err := start(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Stop()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Monitoring()+"/jsz", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var info struct {
			Config struct {
				Always   bool          `json:"sync_always"`
				Interval time.Duration `json:"sync_interval"`
			} `json:"config"`
		}
		err = json.NewDecoder(res.Body).Decode(&info)
		res.Body.Close()
		if err != nil || info.Config.Always != always || !always && info.Config.Interval != 10*time.Second {
			t.Errorf("it flushes %+v (%v), want always: %t, else every 10 s", info.Config, err, always)
		}
	}
}
