package keda_test

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/natsserver"
)

// TestStockTriggerBeside shows what KEDA's own nats-jetstream trigger makes of the same flood. It requires nothing of it but that no signal is
// lost. Its NATS is one node, since the trigger expects all nodes' monitoring on one port. hal9 scaler runs beside it and only watches.
func TestStockTriggerBeside(t *testing.T) {
	needCluster(t)
	applyProduction(t)
	cfg := natsserver.DefaultConfig()
	cfg.DataDir, cfg.Port, cfg.Monitoring = t.TempDir(), 0, true
	server, err := natsserver.Start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	s := newStand(t, &binary, server.URL(), config())
	s.once("provision", "--partitions", strconv.Itoa(partitions))
	s.start("scaler", "--listen", "127.0.0.1:0", "--every", "1s", "--fresh", "10s")
	apply(t, stock(server.Monitoring(), 100)) // The rate is measured below; until then any will do.
	r := s.flood(server.URL(), func(rate float64) { apply(t, stock(server.Monitoring(), rate)) })
	r.report(t, "stock")
	r.sender.allAnswered()
}

// stock is the layer's ScaledObject with KEDA's own triggers, one for each partition, as `hal9-keda render --trigger stock` adds them up: the lag
// over what one replica works off in the drain time. That is the most that can be said by it.
func stock(monitoring string, rate float64) map[string]any {
	var triggers []map[string]any
	var names []string
	for p := range partitions {
		names = append(names, fmt.Sprintf("l2_%02d", p))
		triggers = append(triggers, map[string]any{
			"type": "nats-jetstream", "name": names[p], "metadata": map[string]any{
				"account": "$G", "natsServerMonitoringEndpoint": monitoring,
				"stream": fmt.Sprintf("HAL9_L2_%02d", p), "consumer": fmt.Sprintf("l2-%02d", p),
			},
		})
	}
	object := scaledObject(triggers)
	spec := object["spec"].(map[string]any)
	spec["advanced"].(map[string]any)["scalingModifiers"] = map[string]any{
		"formula": fmt.Sprintf("(%s) / %d", strings.Join(names, " + "), max(1, int(rate*drain.Seconds()))), "target": "1", "metricType": "AverageValue",
	}
	return object
}
