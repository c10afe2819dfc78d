package web

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// TestDoorPayloads sends what Alertmanager's and Prometheus's own tests send.
func TestDoorPayloads(t *testing.T) {
	dir := os.Getenv("HAL9_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	body, err := os.ReadFile(filepath.Join(dir, "payloads", "alertmanager_v2_alerts.json"))
	if err != nil {
		t.Skipf("no test data: %v", err)
	}
	b := setup(t)
	if rec := b.post(t, "/api/v2/alerts", string(body), "Content-Type", typeJSON); rec.Code != http.StatusOK {
		t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	if len(b.store.items) == 0 {
		t.Error("nothing was stored")
	}
}
