package keda_test

import (
	"log/slog"
	"strconv"
	"testing"

	"github.com/2lab-ai/hal9/internal/natsserver"
	"github.com/2lab-ai/hal9/keda/manifest"
)

// TestStockTriggersBeside shows what KEDA's own triggers make of the same loads: `hal9-keda render --trigger stock`, told what a replica does. It
// requires nothing of them but that no signal is lost. Its NATS is one node, since the trigger expects all nodes' monitoring on one port
// (KEDA_E2E_NODES=1 gives HAL9's scaler the same). hal9 scaler runs beside them and only watches.
func TestStockTriggersBeside(t *testing.T) {
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
	settings := manifest.Settings{Trigger: manifest.TriggerStock, Monitoring: server.Monitoring(), Prometheus: s.startPrometheus()}
	apply(t, rendered(t, settings, 100)) // The rate is measured below; until then any will do.
	r := s.open(server.URL())
	apply(t, rendered(t, settings, r.rate))
	for _, l := range loads() {
		r.bear(t, l)
		r.report(t, "stock")
	}
	r.sender.allAnswered()
}
