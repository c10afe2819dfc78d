package ingest

import (
	"encoding/json"
	"testing"
	"time"
)

// benchmarks are one message of each format, about the size that senders send.
var benchmarks = []struct {
	name   string
	header map[string][]string
	data   string
}{
	{name: "json", data: `{"id":"a-1","source":"checkout","subject":"host-7","time":"2014-07-01T00:00:00Z","severity":"warning","labels":{"region":"eu","zone":"b"},"message":"disk almost full","value":93.5}`},
	{name: "json_log", data: `{"timestamp":"2014-07-01T00:00:00.123Z","level":"info","msg":"request served","host":"web-1","path":"/cart","status":200,"ms":12.5}`},
	{name: "own", data: `{"id":"a-1","source":"checkout","type":"disk","subject":"host-7","time":"2014-07-01T00:00:00Z","severity":"warning","labels":{"region":"eu"},"value":93.5,"message":"disk almost full","data":null}`},
	{name: "structured", data: `{"specversion":"1.0","id":"a-1","source":"//shop/checkout","type":"shop.order","subject":"host-7","time":"2014-07-01T00:00:00Z","datacontenttype":"application/json","data":{"message":"order placed","value":12.5}}`},
	{name: "binary", header: map[string][]string{
		"ce-specversion": {"1.0"}, "ce-id": {"a-1"}, "ce-source": {"//shop/checkout"}, "ce-type": {"shop.order"},
		"ce-time": {"2014-07-01T00:00:00Z"}, "content-type": {"application/json"},
	}, data: `{"message":"order placed","value":12.5}`},
	{name: "text", data: `2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - Notification time out: 3200`},
	{name: "number", data: "12.5"},
	{name: "alert", data: `{"status":"firing","labels":{"alertname":"DiskFull","instance":"db1:9100","severity":"critical"},"annotations":{"summary":"disk full"},"startsAt":"2014-07-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z"}`},
	{name: "kubernetes", data: `{"apiVersion":"v1","kind":"Event","involvedObject":{"kind":"Deployment","name":"px","namespace":"default"},"message":"Scaled up","reason":"ScalingReplicaSet","metadata":{"uid":"e8acdb85","resourceVersion":"5361642"},"type":"Normal","lastTimestamp":"2021-05-19T09:42:58Z"}`},
}

func BenchmarkMessage(b *testing.B) {
	d, err := New(DefaultConfig())
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range benchmarks {
		b.Run(bench.name, func(b *testing.B) {
			m := Message{Subject: "hal9.signals.bench", Header: bench.header, Data: []byte(bench.data), Seq: 7, Stored: time.Unix(1404172800, 0)}
			b.ReportAllocs()
			b.SetBytes(int64(len(m.Data)))
			for b.Loop() {
				if _, err := d.Message(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkYardstick is what encoding/json needs to split the same object into its members,
// without looking at any of them.
func BenchmarkYardstick(b *testing.B) {
	data := []byte(benchmarks[0].data)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(data, &members); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	d, err := New(DefaultConfig())
	if err != nil {
		b.Fatal(err)
	}
	item, err := d.Message(Message{Subject: "hal9.signals.bench", Data: []byte(benchmarks[0].data), Seq: 7, Stored: time.Unix(1404172800, 0)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(&item.Signal); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAlertmanagerAlerts(b *testing.B) {
	d, err := New(DefaultConfig())
	if err != nil {
		b.Fatal(err)
	}
	body := []byte("[" + benchmarks[7].data + "," + benchmarks[7].data + "]")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.AlertmanagerAlerts(body, time.Unix(1404172900, 0)); err != nil {
			b.Fatal(err)
		}
	}
}
