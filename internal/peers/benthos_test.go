package peers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure" // the engine's own parts: buffer, metrics and tracer that do nothing
	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/2lab-ai/hal9/internal/natstest"
)

// benthosStreams is the Benthos engine, on which Redpanda Connect is built and from which Bento
// descends, with one stream per stage. The engine comes without NATS; its input and output here are this
// module's own. With a batch of 1 they work as both projects document nats_jetstream: one message per
// read, an acknowledgement for each once its output is stored, 1,024 in flight. Larger batches show what
// the engine could do with a component that has them.
func benthosStreams(t *testing.T, batch, parallel int) peer {
	t.Helper()
	return peer{
		name:    fmt.Sprintf("Benthos engine, own NATS plugin, batch %d", batch),
		version: version(t, "github.com/redpanda-data/benthos/v4"), promise: "at least once",
		start: func(t *testing.T, server *natstest.Server) job {
			t.Helper()
			return startBenthos(t, server, batch, parallel)
		},
	}
}

func startBenthos(t *testing.T, server *natstest.Server, batch, parallel int) job {
	t.Helper()
	work := plainJob(t, server)
	ctx := t.Context()
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	for i := range stages {
		in := &benthosInput{incoming: openStage(t, dial(t, server), i, nats.AckExplicit()), batch: batch}
		out := &benthosOutput{js: open(t, server), to: topic(i + 1)}
		stream := buildStream(t, in, out, parallel)
		running.Go(func() {
			if err := stream.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("stage %d: %v", i+1, err)
			}
		})
	}
	return work
}

func buildStream(t *testing.T, in service.BatchInput, out service.BatchOutput, parallel int) *service.Stream {
	t.Helper()
	env := service.GlobalEnvironment().Clone()
	err := env.RegisterBatchInput("stage", service.NewConfigSpec(),
		func(*service.ParsedConfig, *service.Resources) (service.BatchInput, error) { return in, nil })
	if err != nil {
		t.Fatal(err)
	}
	err = env.RegisterBatchOutput("stage", service.NewConfigSpec(),
		func(*service.ParsedConfig, *service.Resources) (service.BatchOutput, service.BatchPolicy, int, error) {
			return out, service.BatchPolicy{}, parallel, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	builder := env.NewStreamBuilder()
	builder.SetLogger(slog.New(slog.DiscardHandler))
	if err := builder.SetYAML("input: {stage: {}}\noutput: {stage: {}}\nshutdown_timeout: 5s"); err != nil {
		t.Fatal(err)
	}
	stream, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

type benthosInput struct {
	incoming <-chan *nats.Msg
	batch    int
}

func (*benthosInput) Connect(context.Context) error { return nil }
func (*benthosInput) Close(context.Context) error   { return nil }

// ReadBatch acknowledges message by message: batches end in any order.
func (in *benthosInput) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	var taken []*nats.Msg
	select {
	case msg := <-in.incoming:
		taken = more([]*nats.Msg{msg}, in.incoming, in.batch)
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	batch := make(service.MessageBatch, len(taken))
	for i, msg := range taken {
		batch[i] = service.NewMessage(msg.Data)
	}
	return batch, func(_ context.Context, failure error) error { return settle(taken, failure) }, nil
}

func settle(taken []*nats.Msg, failure error) error {
	var problems []error
	for _, msg := range taken {
		if failure != nil {
			problems = append(problems, msg.NakWithDelay(time.Second))
		} else {
			problems = append(problems, msg.Ack())
		}
	}
	return errors.Join(problems...)
}

type benthosOutput struct {
	js jetstream.JetStream
	to string
}

func (*benthosOutput) Connect(context.Context) error { return nil }
func (*benthosOutput) Close(context.Context) error   { return nil }

func (out *benthosOutput) WriteBatch(ctx context.Context, batch service.MessageBatch) error {
	list := make([]*nats.Msg, len(batch))
	for i, message := range batch {
		data, err := message.AsBytes()
		if err != nil {
			return err
		}
		list[i] = &nats.Msg{Data: data}
	}
	return forward(ctx, out.js, out.to, list)
}
