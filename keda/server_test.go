package keda

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
)

// fixed is a board on which one layer is decided and every other is not.
type fixed struct {
	layer   layers.Name
	wanted  int
	actives []bool // what is told of it, one after the other
}

func (f fixed) Decision(layer layers.Name) (policy.Decision, error) {
	if layer != f.layer {
		return policy.Decision{}, errors.New("scaling: consumer l4-07 is missing")
	}
	return policy.Decision{Wanted: f.wanted}, nil
}

func (f fixed) FollowActive(ctx context.Context, _ layers.Name, tell func(bool) error) error {
	for _, active := range f.actives {
		if err := tell(active); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// serve starts a server on a free port; its end is part of the test.
func serve(t *testing.T, security TLS, board Board) (address string, stop func()) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, listener, security, board) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

func dial(t *testing.T, address string, credentials credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func ref(layer string) *pb.ScaledObjectRef {
	return &pb.ScaledObjectRef{Name: "hal9-l3", Namespace: "hal9", ScalerMetadata: map[string]string{MetadataLayer: layer}}
}

func TestKEDAGetsReplicas(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, TLS{}, fixed{layer: layers.NameL3, wanted: 17})
	client := pb.NewExternalScalerClient(dial(t, address, insecure.NewCredentials()))
	spec, err := client.GetMetricSpec(t.Context(), ref("L3"))
	if err != nil || len(spec.MetricSpecs) != 1 || spec.MetricSpecs[0].MetricName != "hal9-l3" || spec.MetricSpecs[0].TargetSizeFloat != 1 {
		t.Errorf("%v: %v", spec, err)
	}
	metrics, err := client.GetMetrics(t.Context(), &pb.GetMetricsRequest{ScaledObjectRef: ref("L3"), MetricName: "hal9-l3"})
	if err != nil || len(metrics.MetricValues) != 1 || metrics.MetricValues[0].MetricValueFloat != 17 || metrics.MetricValues[0].MetricValue != 17 {
		t.Errorf("%v: %v", metrics, err)
	}
	if active, err := client.IsActive(t.Context(), ref("l3")); err != nil || !active.Result {
		t.Errorf("%v: %v", active, err)
	}
	if health, err := healthpb.NewHealthClient(dial(t, address, insecure.NewCredentials())).Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil ||
		health.Status != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("%v: %v", health, err)
	}
	stream, err := client.StreamMetricSpec(t.Context(), ref("L3"))
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Unimplemented { // Only this has KEDA ask in its other way, in silence.
		t.Errorf("StreamMetricSpec: %v", err)
	}
}

// TestUnknownIsAnErrorThatNamesTheObject: and never a number.
func TestUnknownIsAnErrorThatNamesTheObject(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, TLS{}, fixed{layer: layers.NameL3, wanted: 17})
	client := pb.NewExternalScalerClient(dial(t, address, insecure.NewCredentials()))
	for name, test := range map[string]struct {
		ref    *pb.ScaledObjectRef
		metric string
		code   codes.Code
		says   string
	}{
		"no metadata":   {&pb.ScaledObjectRef{Name: "a", Namespace: "b"}, "", codes.InvalidArgument, "ScaledObject b/a: the metadata of its trigger names no layer: want layer: L1"},
		"unknown layer": {ref("L6"), "", codes.InvalidArgument, `ScaledObject hal9/hal9-l3: the metadata of its trigger says layer: "L6": want layer: L1`},
		"other metric":  {ref("L3"), "hal9-l4", codes.InvalidArgument, `there is no metric "hal9-l4" for layer L3: want hal9-l3`},
		"not measured":  {ref("L4"), "hal9-l4", codes.Unavailable, "ScaledObject hal9/hal9-l3: consumer l4-07 is missing"},
	} {
		_, err := client.GetMetrics(t.Context(), &pb.GetMetricsRequest{ScaledObjectRef: test.ref, MetricName: test.metric})
		if status.Code(err) != test.code || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := client.IsActive(t.Context(), ref("L4")); status.Code(err) != codes.Unavailable {
		t.Errorf("IsActive: %v", err)
	}
	// While NATS is away the autoscaler must keep its metric.
	if _, err := client.GetMetricSpec(t.Context(), ref("L4")); err != nil {
		t.Errorf("GetMetricSpec: %v", err)
	}
}

func TestPushTellsChangesAndEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	address, stop := serve(t, TLS{}, fixed{layer: layers.NameL3, actives: []bool{false, true}})
	client := pb.NewExternalScalerClient(dial(t, address, insecure.NewCredentials()))
	stream, err := client.StreamIsActive(t.Context(), ref("L3"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{false, true} {
		if got, err := stream.Recv(); err != nil || got.Result != want {
			t.Fatalf("%v: %v", got, err)
		}
	}
	stop() // It would wait for long if the stream did not end.
	if _, err := stream.Recv(); err == nil {
		t.Error("the stream goes on")
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	authority := newAuthority(t)
	serverCert, serverKey := authority.issue(t, "server")
	clientCert, clientKey := authority.issue(t, "client")
	address, _ := serve(t, TLS{CertFile: serverCert, KeyFile: serverKey, ClientCAFile: authority.file}, fixed{layer: layers.NameL3, wanted: 2})
	pair, err := tls.LoadX509KeyPair(clientCert, clientKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		with credentials.TransportCredentials
		ok   bool
	}{
		"with a certificate":    {credentials.NewTLS(&tls.Config{RootCAs: authority.pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), true},
		"without a certificate": {credentials.NewTLS(&tls.Config{RootCAs: authority.pool, MinVersion: tls.VersionTLS12}), false},
		"in plain text":         {insecure.NewCredentials(), false},
	} {
		_, err := pb.NewExternalScalerClient(dial(t, address, test.with)).IsActive(t.Context(), ref("L3"))
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Serve(t.Context(), nil, TLS{CertFile: "nowhere.pem", KeyFile: serverKey}, nil); err == nil || !strings.Contains(err.Error(), "nowhere.pem") {
		t.Errorf("a certificate that is not there: %v", err)
	}
	if err := Serve(t.Context(), nil, TLS{ClientCAFile: authority.file}, nil); err == nil || !strings.Contains(err.Error(), "name certificate and key, too") {
		t.Errorf("client certificates without TLS: %v", err)
	}
}

// authority signs certificates for 127.0.0.1.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	dir  string
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir(), pool: x509.NewCertPool()}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	a.file = a.write(t, "ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) issue(t *testing.T, name string) (cert, key string) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &own.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return a.write(t, name+".pem", "CERTIFICATE", der), a.write(t, name+".key", "EC PRIVATE KEY", private)
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
