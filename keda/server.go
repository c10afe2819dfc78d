// Package keda speaks KEDA's protocols external and external-push: one gRPC service for all layers. The metric that it gives is
// the number of replicas that a layer needs, with a target of 1 each, so that the autoscaler has nothing left to compute. What is not
// known is an error, with which KEDA's fallback begins; it is never answered by a number.
package keda

import (
	"context"
	"errors"
	"fmt"
	"strings"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
)

// MetadataLayer is the key of a trigger's metadata that says which layer a ScaledObject is for.
const MetadataLayer = "layer"

// MetricName returns the metric of a layer: hal9-l3. Its value is the number of replicas needed, its target 1.
func MetricName(layer layers.Name) string { return "hal9-" + strings.ToLower(layer.String()) }

// Board knows what was decided.
type Board interface {
	// Decision returns the last decision about a layer, or why there is none that still holds.
	Decision(layer layers.Name) (policy.Decision, error)
	// FollowActive calls tell with whether a layer needs any replica, at once and at each change, until ctx ends or tell fails.
	FollowActive(ctx context.Context, layer layers.Name, tell func(active bool) error) error
}

// Server answers KEDA. StreamMetricSpec is left unimplemented: the target is always 1, there is nothing to push.
type Server struct {
	pb.UnimplementedExternalScalerServer
	board Board
	stop  <-chan struct{}
}

// NewServer returns a server that tells what board knows. Streams end when stop is closed, so that a stopping process need not wait for
// KEDA to hang up.
func NewServer(board Board, stop <-chan struct{}) *Server { return &Server{board: board, stop: stop} }

// Register adds the service to a gRPC server.
func (s *Server) Register(registrar grpc.ServiceRegistrar) {
	pb.RegisterExternalScalerServer(registrar, s)
}

// IsActive implements KEDA's protocol: whether the layer needs any replica.
func (s *Server) IsActive(_ context.Context, ref *pb.ScaledObjectRef) (*pb.IsActiveResponse, error) {
	d, err := s.decision(ref)
	if err != nil {
		return nil, err
	}
	return &pb.IsActiveResponse{Result: d.Active()}, nil
}

// StreamIsActive implements KEDA's protocol: it tells at once when a layer that stands still gets its first signal. While nothing is known
// it says nothing, and KEDA keeps what it heard.
func (s *Server) StreamIsActive(ref *pb.ScaledObjectRef, stream grpc.ServerStreamingServer[pb.IsActiveResponse]) error {
	layer, err := layerOf(ref)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	go func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	err = s.board.FollowActive(ctx, layer, func(active bool) error {
		return stream.Send(&pb.IsActiveResponse{Result: active})
	})
	if errors.Is(err, context.Canceled) {
		return nil // KEDA or this process ends it; KEDA asks again.
	}
	return err
}

// GetMetricSpec implements KEDA's protocol. It does not depend on NATS: the autoscaler must keep its metric while NATS is away.
func (*Server) GetMetricSpec(_ context.Context, ref *pb.ScaledObjectRef) (*pb.GetMetricSpecResponse, error) {
	layer, err := layerOf(ref)
	if err != nil {
		return nil, err
	}
	return &pb.GetMetricSpecResponse{
		MetricSpecs: []*pb.MetricSpec{{MetricName: MetricName(layer), TargetSize: 1, TargetSizeFloat: 1}},
	}, nil
}

// GetMetrics implements KEDA's protocol: how many replicas the layer needs.
func (s *Server) GetMetrics(_ context.Context, request *pb.GetMetricsRequest) (*pb.GetMetricsResponse, error) {
	ref := request.GetScaledObjectRef()
	layer, err := layerOf(ref)
	if err != nil {
		return nil, err
	}
	if name := request.GetMetricName(); name != "" && name != MetricName(layer) {
		return nil, refuse(ref, codes.InvalidArgument, "there is no metric %q for layer %s: want %s", name, layer, MetricName(layer))
	}
	d, err := s.decision(ref)
	if err != nil {
		return nil, err
	}
	return &pb.GetMetricsResponse{
		MetricValues: []*pb.MetricValue{{MetricName: MetricName(layer), MetricValue: int64(d.Wanted), MetricValueFloat: float64(d.Wanted)}},
	}, nil
}

// decision returns the decision about the layer that a ScaledObject is for.
func (s *Server) decision(ref *pb.ScaledObjectRef) (policy.Decision, error) {
	layer, err := layerOf(ref)
	if err != nil {
		return policy.Decision{}, err
	}
	d, err := s.board.Decision(layer)
	if err != nil {
		return policy.Decision{}, refuse(ref, codes.Unavailable, "%s", strings.TrimPrefix(err.Error(), "scaling: "))
	}
	return d, nil
}

// layerOf returns the layer that a ScaledObject's trigger names.
func layerOf(ref *pb.ScaledObjectRef) (layers.Name, error) {
	const want = "want " + MetadataLayer + ": L1, L2, L3, L4 or L5"
	text, ok := ref.GetScalerMetadata()[MetadataLayer]
	if !ok {
		return 0, refuse(ref, codes.InvalidArgument, "the metadata of its trigger names no layer: "+want)
	}
	layer, err := layers.ParseName(text)
	if err != nil {
		return 0, refuse(ref, codes.InvalidArgument, "the metadata of its trigger says "+MetadataLayer+": %q: "+want, text)
	}
	return layer, nil
}

// refuse returns an error that names the ScaledObject, since KEDA's log names the scaler at most.
func refuse(ref *pb.ScaledObjectRef, code codes.Code, format string, args ...any) error {
	return status.Errorf(code, "ScaledObject %s/%s: %s", ref.GetNamespace(), ref.GetName(), fmt.Sprintf(format, args...))
}
