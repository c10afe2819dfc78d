package bus

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestAddressesAreShownWithoutSecrets(t *testing.T) {
	for give, want := range map[string]string{
		"nats://nats:4222":                         "nats://nats:4222",
		"nats://hal9:s3cr@t@nats:4222":             "nats://nats:4222",
		"tls://token@a:4222,nats://u:p@b:4222,c:1": "tls://a:4222,nats://b:4222,c:1",
		"u:p@c:1":           "c:1",
		"nats://u:p%zz@h:1": "nats://h:1",
		"":                  "",
	} {
		if got := withoutSecrets(give); got != want {
			t.Errorf("withoutSecrets(%q) = %q, want %q", give, got, want)
		}
	}
}

func TestConnectErrorKeepsSecrets(t *testing.T) {
	cfg := DefaultConfig()
	cfg.URL, cfg.ConnectTimeout = "nats://hal9:opensesame@127.0.0.1:1", time.Second
	_, err := Connect(cfg, slog.New(slog.DiscardHandler))
	if err == nil || strings.Contains(err.Error(), "opensesame") || !strings.Contains(err.Error(), "nats://127.0.0.1:1") {
		t.Errorf("Connect = %v: want the address without the password", err)
	}
}
