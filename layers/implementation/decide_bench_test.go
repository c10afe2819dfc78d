package implementation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
)

// BenchmarkDecide decides what senders send most: a sample of a metric as an object, with and without a key of its own, an
// object with others in it, and a line of a log.
func BenchmarkDecide(b *testing.B) {
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ key, text, data string }{
		"sample":  {"web-7", "", `{"id":"g1-%d","source":"node","host":"web-7","metric":"cpu","value":%d.5,"time":"2026-03-02T00:00:00Z"}`},
		"unkeyed": {"node", "", `{"id":"g1-%d","source":"node","unit_ref":"web-7","metric":"cpu","value":%d.5,"time":"2026-03-02T00:00:00Z"}`},
		"nested":  {"web-7", "", `{"ts":%d,"kubernetes":{"pod_name":"a-%d","namespace":"n","labels":{"app":"shop"}},"http":{"status":200,"took_ms":12}}`},
		"line":    {"web-7", "connection %d from 10.0.0.7 closed by peer after %d ms", ""},
	} {
		b.Run(name, func(b *testing.B) {
			l := newLayer(b, implementation.DefaultConfig())
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				e := &layers.Envelope{Signal: layers.Signal{ID: "i", Source: "node", Key: c.key, Time: at.Add(time.Duration(i) * time.Second)}}
				if c.text != "" {
					e.Text = fmt.Sprintf(c.text, i, i%90)
				} else {
					e.Data = fmt.Appendf(nil, c.data, i, i%90)
				}
				decide(b, l, e)
			}
		})
	}
}
