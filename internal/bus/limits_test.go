package bus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/bus"
)

func TestConsumerLimitsTellWhatIsThere(t *testing.T) {
	t.Parallel()
	b, server := provisioned(t, bus.DefaultTopology())
	nc, err := nats.Connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateConsumer(t.Context(), "HAL9_L1", jetstream.ConsumerConfig{
		Name: "passing", InactiveThreshold: time.Minute, MaxAckPending: 7, AckPolicy: jetstream.AckExplicitPolicy,
	}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		stream, consumer string
		want             bus.ConsumerLimits
		err              error
	}{
		{"HAL9_L1", "l1", bus.ConsumerLimits{Durable: true, MaxAckPending: bus.MaxAckPending}, nil},
		{"HAL9_L1", "passing", bus.ConsumerLimits{MaxAckPending: 7}, nil},
		{"HAL9_L1", "nobody", bus.ConsumerLimits{}, bus.ErrNoConsumer},
		{"NOWHERE", "l1", bus.ConsumerLimits{}, bus.ErrNoStream},
	} {
		got, err := b.ConsumerLimits(t.Context(), test.stream, test.consumer)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s of %s: %+v, %v; want %+v, %v", test.consumer, test.stream, got, err, test.want, test.err)
		}
	}
}
