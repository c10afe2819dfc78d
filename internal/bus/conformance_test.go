package bus_test

import (
	"testing"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/bus/bustest"
	"github.com/2lab-ai/hal9/pipeline"
)

func TestConformance(t *testing.T) {
	bustest.Run(t, func(t *testing.T) bustest.Harness {
		t.Helper()
		b, _ := provisioned(t, bus.DefaultTopology())
		return bustest.Harness{
			Broker: b,
			Checkpoints: func(tb testing.TB) pipeline.Checkpoints {
				tb.Helper()
				checkpoints, err := b.Checkpoints(tb.Context())
				if err != nil {
					tb.Fatal(err)
				}
				return checkpoints
			},
			Leases: func(tb testing.TB) pipeline.Leases {
				tb.Helper()
				leases, err := b.Leases(tb.Context(), tb.Name())
				if err != nil {
					tb.Fatal(err)
				}
				return leases
			},
			LeaseTime: bus.LeaseTime,
		}
	})
}
