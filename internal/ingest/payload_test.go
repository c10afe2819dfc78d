package ingest

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/2lab-ai/hal9/layers"
)

// realData returns a file of the real data, and skips the test where there is none.
func realData(t *testing.T, parts ...string) []byte {
	t.Helper()
	root := os.Getenv("HAL9_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(append([]string{root}, parts...)...)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("no real data: %s is not there and HAL9_DATA names no folder that has it", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// documents reads all documents of a YAML file.
func documents(t *testing.T, data []byte) (all []map[string]any) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	for {
		var document map[string]any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, document)
	}
}

func TestPayloadAlerts(t *testing.T) {
	d := newDecoder(t)
	items, err := d.AlertmanagerAlerts(realData(t, "payloads", "alertmanager_v2_alerts.json"), nowAt)
	if err != nil {
		t.Fatal(err)
	}
	type alert struct{ Key, Text, Dev, Severity string }
	var got []alert
	for i := range items {
		s := items[i].Signal
		got = append(got, alert{s.Key, s.Text, s.Labels["dev"], s.Severity.String()})
	}
	want := []alert{
		{"example1", "please check the instance example1", "sda1", ""},
		{"example1", "please check the instance example1", "sda2", ""},
		{"example2", "please check the instance example2", "sda1", ""},
		{"example2", "please check the instance example2", "sdb2", ""},
		{"example3", "DiskRunningFull", "sda1", "critical"},
		{"example3", "DiskRunningFull", "sda1", "warning"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	checkItems(t, d, items)
}

func TestPayloadKubernetesEvents(t *testing.T) {
	d := newDecoder(t)
	seen, keys := map[string]bool{}, map[string]int{}
	for _, document := range documents(t, realData(t, "payloads", "kubernetes_events_rollout.yaml")) {
		if document["kind"] != "Event" {
			continue
		}
		data, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		item, err := d.Message(Message{Subject: "hal9.signals.k8s", Data: data, Seq: 1, Stored: nowAt})
		if err != nil {
			t.Fatal(err)
		}
		s := item.Signal
		seen[s.ID] = true
		keys[s.Key[:strings.LastIndex(s.Key, "/")]]++
		if s.Type != "io.k8s.event" || s.Source != "k8s" || s.Severity == layers.SeverityUnset || s.Text == "" ||
			s.Time.Year() != 2021 || item.FilledID || s.Labels["reason"] == "" {
			t.Errorf("%+v", s)
		}
		checkItems(t, d, []Item{item})
	}
	if len(seen) != 19 {
		t.Errorf("%d ids for 19 events", len(seen))
	}
	if keys["Deployment/default"] == 0 || keys["Pod/default"] == 0 || keys["ReplicaSet/default"] == 0 {
		t.Errorf("keys %v", keys)
	}
}

func TestPayloadOTLP(t *testing.T) {
	d := newDecoder(t)
	for _, name := range []string{"otlp_logs.json", "otlp_events.json", "otlp_metrics.json", "otlp_trace.json"} {
		data := realData(t, "payloads", name)
		item, err := d.Message(Message{Subject: "hal9.signals.otlp", Data: data, Seq: 1, Stored: nowAt})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(item.Signal.Data) != strings.TrimSpace(string(data)) {
			t.Errorf("%s: the data is not the payload", name)
		}
		items, err := d.Body(FormatJSON, nil, data, nowAt)
		if err != nil || len(items) != 1 {
			t.Errorf("%s: %d items, %v", name, len(items), err)
		}
		checkItems(t, d, items)
	}
}

// conformance is one of the CloudEvents project's conformance events.
type conformance struct {
	ContextAttributes map[string]string `yaml:"ContextAttributes"`
	Data              string            `yaml:"Data"`
}

// TestPayloadCloudEvents sends each conformance event in both modes, on NATS and over
// HTTP: it must always be the same signal.
func TestPayloadCloudEvents(t *testing.T) {
	d := newDecoder(t)
	want := []layers.Signal{
		{Text: "Hello, World!"},
		{Text: "Hello, 🌎!"},
		{Text: "Hello, 🌎!", Data: json.RawMessage(`"Hello, 🌎!"`)},
		{Text: "Hello, 🌎!", Data: json.RawMessage(`{"msg":"Hello, 🌎!"}`)},
		{Data: json.RawMessage(`["Hello","🌎!"]`)},
		{Data: json.RawMessage(`"<msg>Hello, 🌎!</msg>\n"`)},
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(realData(t, "payloads", "cloudevents_v1_minimum.yaml"))))
	for i := range want {
		var event conformance
		if err := decoder.Decode(&event); err != nil {
			t.Fatal(err)
		}
		attributes := event.ContextAttributes
		w := want[i]
		w.ID, w.Source, w.Type, w.Key, w.Time = attributes["id"], attributes["source"], attributes["type"], attributes["source"], nowAt
		structured, header := bothModes(t, &event)
		fromHTTP := func(format Format, header map[string][]string, body []byte) (Item, error) {
			items, err := d.Body(format, header, body, nowAt)
			if err != nil || len(items) != 1 {
				return Item{}, errors.Join(err, errors.New("not one item"))
			}
			return items[0], nil
		}
		for name, decode := range map[string]func() (Item, error){
			"structured": func() (Item, error) { return d.Message(Message{Data: structured, Stored: nowAt}) },
			"binary": func() (Item, error) {
				return d.Message(Message{Header: header, Data: []byte(event.Data), Stored: nowAt})
			},
			"HTTP structured": func() (Item, error) { return fromHTTP(FormatCloudEvent, nil, structured) },
			"HTTP batch":      func() (Item, error) { return fromHTTP(FormatCloudEventBatch, nil, []byte("["+string(structured)+"]")) },
			"HTTP binary":     func() (Item, error) { return fromHTTP(FormatCloudEventBinary, header, []byte(event.Data)) },
		} {
			got, err := decode()
			if err != nil {
				t.Errorf("%s %s: %v", w.ID, name, err)
				continue
			}
			if diff := cmp.Diff(w, got.Signal); diff != "" {
				t.Errorf("%s %s: %s", w.ID, name, diff)
			}
			checkItems(t, d, []Item{got})
		}
	}
}

// bothModes writes the event as a sender of each mode would.
func bothModes(t *testing.T, event *conformance) (structured []byte, header map[string][]string) {
	t.Helper()
	object := map[string]any{"data": event.Data}
	header = map[string][]string{}
	for name, value := range event.ContextAttributes {
		object[name] = value
		header["ce-"+name] = []string{strings.ReplaceAll(value, " ", "%20")}
	}
	if strings.HasPrefix(event.ContextAttributes["datacontenttype"], "application/json") {
		object["data"] = json.RawMessage(event.Data)
	}
	structured, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return structured, header
}

// TestLineSeverityOfRealLogs compares with the level that the people who parsed these logs
// wrote down.
func TestLineSeverityOfRealLogs(t *testing.T) {
	for _, source := range []string{"Apache", "BGL", "HDFS", "Hadoop", "Spark", "Zookeeper"} {
		lines := strings.Split(strings.TrimSpace(string(realData(t, "loghub", source, source+"_2k.log"))), "\n")
		rows, err := csv.NewReader(strings.NewReader(string(realData(t, "loghub", source, source+"_2k.log_structured.csv")))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		column := -1
		for i, name := range rows[0] {
			if name == "Level" {
				column = i
			}
		}
		right := 0
		for i, row := range rows[1:] {
			if want, err := layers.ParseSeverity(row[column]); err == nil && lineSeverity(strings.TrimSpace(lines[i])) == want {
				right++
			}
		}
		t.Logf("%s: %d of %d", source, right, len(rows)-1)
		if right*1000 < (len(rows)-1)*999 {
			t.Errorf("%s: %d of %d levels found", source, right, len(rows)-1)
		}
	}
}
