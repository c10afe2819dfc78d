package e2e_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// verdict is what the checker reads of a verdict: the published shape, not HAL9's own type.
type verdict struct {
	SignalID    string `json:"signal_id"`
	Source      string `json:"source"`
	Key         string `json:"key"`
	Layer       string `json:"layer"`
	Disposition string `json:"disposition"`
	Reason      string `json:"reason"`
	Rule        string `json:"rule"`
	TraceID     string `json:"trace_id"`
	SituationID string `json:"situation_id"`
	Hops        []struct {
		Layer string `json:"layer"`
	} `json:"hops"`
}

// dial connects a plain client.
func dial(t *testing.T, url string) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

// verdicts reads all verdicts that there are now.
func verdicts(t *testing.T, js jetstream.JetStream) map[string][]verdict {
	t.Helper()
	got := map[string][]verdict{}
	read(t, js, "HAL9_VERDICTS", func(msg jetstream.Msg) {
		var v verdict
		if err := json.Unmarshal(msg.Data(), &v); err != nil {
			t.Errorf("verdict %s: %v", msg.Data(), err)
		}
		if v.Source == "hal9" && strings.HasPrefix(v.SignalID, "slo.") {
			return // HAL9's own alert, such as that it was slow while a test kept it from working.
		}
		got[v.Source+"|"+v.SignalID] = append(got[v.Source+"|"+v.SignalID], v)
	})
	return got
}

func read(t *testing.T, js jetstream.JetStream, stream string, visit func(jetstream.Msg)) {
	t.Helper()
	consumer, err := js.CreateConsumer(t.Context(), stream, jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy})
	if err != nil {
		t.Fatal(err)
	}
	for left := int(consumer.CachedInfo().NumPending); left > 0; {
		batch, err := consumer.Fetch(min(left, 1000), jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for msg := range batch.Messages() {
			visit(msg)
			left--
		}
		if err := batch.Error(); err != nil {
			t.Fatal(err)
		}
	}
}

// eachOnce waits until every id has a verdict and requires that none has two and that there
// are no others.
func eachOnce(t *testing.T, js jetstream.JetStream, want map[string]bool) map[string][]verdict {
	t.Helper()
	var got map[string][]verdict
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if got = verdicts(t, js); len(got) >= len(want) {
			break
		}
	}
	missing := 0
	for id := range want {
		switch {
		case len(got[id]) == 0:
			missing++
		case len(got[id]) > 1:
			t.Errorf("signal %s has %d verdicts: %+v", id, len(got[id]), got[id])
		case got[id][0].Reason == "" || len(got[id][0].TraceID) != 32 || len(got[id][0].Hops) == 0:
			t.Errorf("signal %s has an incomplete verdict: %+v", id, got[id][0])
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d signals have no verdict", missing, len(want))
	}
	for id := range got {
		if !want[id] {
			t.Errorf("verdict on %s, which nobody sent: %+v", id, got[id])
		}
	}
	return got
}

// publish sends a message as any JetStream client does and waits for its acknowledgement.
func publish(t *testing.T, js jetstream.JetStream, msg *nats.Msg) {
	t.Helper()
	if _, err := js.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
}

// post sends a body and returns the accepted ids.
func post(t *testing.T, url, contentType string, body []byte) []string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusAccepted && res.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s\n%s", url, res.Status, answer)
	}
	var accepted struct {
		Accepted []struct{ ID string } `json:"accepted"`
	}
	_ = json.Unmarshal(answer, &accepted)
	var ids []string
	for _, a := range accepted.Accepted {
		ids = append(ids, a.ID)
	}
	return ids
}

// findData returns the folder of real data where there is one.
func findData() (dir string, ok bool) {
	dir = os.Getenv("HAL9_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	_, err := os.Stat(dir)
	return dir, err == nil
}

// dataDir returns the folder of real data, or skips.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, ok := findData()
	if !ok {
		t.Skipf("no real data at %s; set HAL9_DATA", dir)
	}
	return dir
}

// line is a signal to publish.
type line struct{ source, id, data string }

// loglines returns the lines of a log file as signals with ids.
func loglines(t *testing.T, dir, source string) []line {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "loghub", source, source+"_2k.log"))
	if err != nil {
		t.Fatal(err)
	}
	var list []line
	for i, text := range strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(data), "?")), "\n") {
		id := fmt.Sprintf("%s-%d", source, i)
		body, _ := json.Marshal(map[string]any{"id": id, "message": strings.TrimSpace(text)})
		list = append(list, line{source, id, string(body)})
	}
	return list
}

// samples returns the rows of a metric series as signals with ids.
func samples(t *testing.T, dir, group, name string) []line {
	t.Helper()
	return samplesOf(t, filepath.Join(dir, "nab", "data", group, name+".csv"), name)
}

func samplesOf(t *testing.T, path, name string) []line {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []line
	for i, row := range rows[1:] {
		id := fmt.Sprintf("%s-%d", name, i)
		list = append(list, line{name, id, fmt.Sprintf(`{"id":%q,"key":%q,"timestamp":%q,"value":%s}`, id, name, row[0], row[1])})
	}
	return list
}
