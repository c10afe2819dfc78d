package oncall_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/expr"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/internal/natstest"
	"github.com/2lab-ai/hal9/internal/oncall"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/reflexive"
)

// TestAckWaitsUntilTheAlertIsTold acknowledges an alert that has just begun: no process of L1 has told of it when it is looked for.
func TestAckWaitsUntilTheAlertIsTold(t *testing.T) {
	t.Parallel()
	cfg := bus.DefaultConfig()
	cfg.URL = natstest.Start(t).ClientURL()
	b, err := bus.Connect(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Provision(t.Context(), bus.DefaultTopology()); err != nil {
		t.Fatal(err)
	}
	bucket, err := b.Reflexes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	alert, told := begun(t)
	looked := 0
	desk := &oncall.Desk{Bucket: bucket, Now: time.Now, Find: func(ctx context.Context, _, _ string) (layers.Signal, bool, error) {
		if looked++; looked == 1 {
			time.AfterFunc(50*time.Millisecond, func() { _ = bucket.Put(ctx, told...) })
		}
		return alert, true, nil
	}}
	acks, err := desk.Ack(t.Context(), &oncall.AckRequest{SignalID: "a", Author: "kim", Reason: "on it"})
	if err != nil || len(acks) != 1 || acks[0].Key != "db-1" {
		t.Errorf("acknowledged %+v, %v: want the alert on db-1", acks, err)
	}
}

// begun returns an alert that fires and what L1 tells of it.
func begun(t *testing.T) (layers.Signal, []bus.Reflex) {
	t.Helper()
	decoder, err := ingest.New(ingest.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	item, err := decoder.Message(ingest.Message{
		Subject: "hal9.signals.web", Seq: 1, Stored: time.Now(),
		Data: []byte(`{"id":"a","status":"firing","key":"db-1","severity":"warning","message":"disk is full","labels":{"alertname":"DiskFull"}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := reflexive.DefaultConfig()
	cfg.Scope = expr.SignalScope
	layer, err := reflexive.New(cfg, expr.Signal)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := layer.Decide(t.Context(), &layers.Envelope{Signal: item.Signal, Origin: 1, ReceivedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	var told []bus.Reflex
	for _, c := range layer.Board().Changes("", 100) {
		told = append(told, bus.Reflex{Name: c.Entry, Data: c.Data, TTL: c.TTL})
	}
	return item.Signal, told
}
