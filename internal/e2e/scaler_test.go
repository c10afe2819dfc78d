package e2e_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/2lab-ai/hal9/internal/e2e/proctest"
	"github.com/2lab-ai/hal9/internal/natstest"
)

// TestScalerCountsProcessesAndAnswersKEDA runs the scaler beside layers as processes of their own, asks it with KEDA's client code, and reads
// what `hal9 scaler explain` says.
func TestScalerCountsProcessesAndAnswersKEDA(t *testing.T) {
	server := natstest.Start(t)
	url := server.ClientURL()
	runs(t, "provision", "--nats", url, "--partitions", "4")
	for _, layer := range []string{"L1", "L3", "L3"} {
		start(t, "run", "--layer", layer, "--nats", url)
	}
	scaler := startScaler(t, url)
	conn, err := grpc.NewClient(scaler.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := pb.NewExternalScalerClient(conn)
	request := &pb.GetMetricsRequest{
		MetricName:      "hal9-l3",
		ScaledObjectRef: &pb.ScaledObjectRef{Name: "hal9-l3", Namespace: "hal9", ScalerMetadata: map[string]string{"layer": "L3"}},
	}
	for live := map[string]int{}; live["L1"] != 1 || live["L3"] != 2; time.Sleep(100 * time.Millisecond) {
		for _, layer := range []string{"L1", "L3"} {
			var report struct {
				Decisions []struct {
					Reading struct {
						Replicas int `json:"replicas"`
					} `json:"reading"`
				} `json:"decisions"`
			}
			if err := json.Unmarshal([]byte(runs(t, "scaler", "explain", layer, "--json", "--last", "1", "--nats", url)), &report); err != nil {
				t.Fatal(err)
			}
			if len(report.Decisions) > 0 {
				live[layer] = report.Decisions[0].Reading.Replicas
			}
		}
	}
	metrics, err := client.GetMetrics(t.Context(), request)
	if err != nil || len(metrics.MetricValues) != 1 || metrics.MetricValues[0].MetricValueFloat != 5 {
		t.Errorf("%v, want the minimum of 5: %v", metrics, err)
	}
	if text := runs(t, "scaler", "explain", "L3", "--nats", url); !strings.Contains(text, "L3 Operational needs 5 replicas, 2 are live") {
		t.Errorf("explain says\n%s", text)
	}
	scaler.stop(t)
}

// scalerProcess is a running hal9 scaler.
type scalerProcess struct {
	process

	GRPC string `json:"grpc"`
}

func startScaler(t *testing.T, url string) *scalerProcess {
	t.Helper()
	path, err := binary.Path()
	if err != nil {
		t.Fatal(err)
	}
	ready := filepath.Join(t.TempDir(), "ready.json")
	p := &scalerProcess{process: process{log: &bytes.Buffer{}}}
	p.Process, err = proctest.Start(t.Context(), proctest.Program{
		Path: path, Dir: t.TempDir(), Log: p.log,
		Args: []string{"scaler", "--nats", url, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--ready-file", ready},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	if err := p.AwaitFile(ready, time.Minute, p); err != nil {
		p.kill()
		t.Fatalf("%v\n%s", err, p.log)
	}
	return p
}
