package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// How long JetStream's advisories are kept, and how long one may be worked on.
const (
	advisoryAge  = 7 * 24 * time.Hour
	advisoryWait = 2 * time.Minute
)

// Where JetStream says that it will not deliver a message any more.
const (
	subjectExceeded   = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>"
	subjectTerminated = "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>"
)

// advisoryStream keeps what JetStream would say to whoever listens at the moment.
func (t Topology) advisoryStream() jetstream.StreamConfig {
	cfg := t.resultStream(pipeline.StreamAdvisories, "", 0)
	cfg.Subjects = []string{subjectExceeded, subjectTerminated}
	cfg.MaxBytes = t.share(1) / 8
	cfg.MaxAge = advisoryAge
	return cfg
}

func advisoryConsumer() consumer {
	cfg := durable(pipeline.DurableAdvisories, jetstream.AckExplicitPolicy)
	cfg.AckWait = advisoryWait
	return consumer{pipeline.StreamAdvisories, cfg}
}

// Advisory is JetStream's word that a consumer will not get a message again.
type Advisory struct {
	Stream     string
	Consumer   string
	Seq        uint64 // of the message, in Stream
	Deliveries int
	Terminated bool   // by whoever had the message; else the deliveries have reached their bound
	Reason     string // of whoever terminated it; may be empty
	At         time.Time

	msg jetstream.Msg
}

// Done says that nothing more is to be done about it.
func (a *Advisory) Done(context.Context) error {
	if err := a.msg.Ack(); err != nil {
		return fmt.Errorf("bus: acknowledge an advisory: %w", err)
	}
	return nil
}

// Later has it handed out again after a while.
func (a *Advisory) Later(d time.Duration) error {
	if err := a.msg.NakWithDelay(d); err != nil {
		return fmt.Errorf("bus: postpone an advisory: %w", err)
	}
	return nil
}

// Advisories returns the next advisories, at most so many, or none where none comes for idle. Each
// is handed out to one process at a time, until it is done.
func (b *Bus) Advisories(ctx context.Context, most int, idle time.Duration) ([]Advisory, error) {
	consumer, err := b.advisories(ctx)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	// One that comes alone is not kept waiting for company, as it were in a larger fetch.
	first, err := consumer.Fetch(1, jetstream.FetchContext(waiting))
	if err != nil {
		return nil, fmt.Errorf("bus: advisories: %w", err)
	}
	list := collect(nil, first)
	if err := first.Error(); err != nil && waiting.Err() == nil {
		return nil, fmt.Errorf("bus: advisories: %w", err)
	}
	if len(list) == 0 || most == 1 {
		return list, nil
	}
	rest, err := consumer.FetchNoWait(most - 1)
	if err != nil {
		return list, fmt.Errorf("bus: advisories: %w", err)
	}
	return collect(list, rest), rest.Error()
}

func (b *Bus) advisories(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	consumer, err := b.js.Consumer(ctx, pipeline.StreamAdvisories, pipeline.DurableAdvisories)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("bus: consumer %s on stream %s is missing: run `hal9 provision --nats %s`: %w",
			pipeline.DurableAdvisories, pipeline.StreamAdvisories, b.URL(), err)
	}
	return consumer, err
}

// CheckAdvisories reports where advisories are not captured, and what to do about it.
func (b *Bus) CheckAdvisories(ctx context.Context) error {
	_, err := b.advisories(ctx)
	return err
}

func collect(list []Advisory, batch jetstream.MessageBatch) []Advisory {
	for msg := range batch.Messages() {
		a := parseAdvisory(msg.Data())
		a.msg = msg
		list = append(list, a)
	}
	return list
}

// parseAdvisory reads one; what is none names no stream.
func parseAdvisory(data []byte) Advisory {
	var raw struct {
		Type       string    `json:"type"`
		Time       time.Time `json:"timestamp"`
		Stream     string    `json:"stream"`
		Consumer   string    `json:"consumer"`
		Seq        uint64    `json:"stream_seq"`
		Deliveries int       `json:"deliveries"`
		Reason     string    `json:"reason"`
	}
	if json.Unmarshal(data, &raw) != nil {
		return Advisory{}
	}
	return Advisory{
		Stream: raw.Stream, Consumer: raw.Consumer, Seq: raw.Seq, Deliveries: raw.Deliveries, Reason: raw.Reason, At: raw.Time,
		Terminated: raw.Type == "io.nats.jetstream.advisory.v1.terminated",
	}
}

// Delivered returns up to which sequence a consumer has handed out messages.
func (b *Bus) Delivered(ctx context.Context, stream, consumer string) (uint64, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	c, err := b.js.Consumer(ctx, stream, consumer)
	if err != nil {
		return 0, fmt.Errorf("bus: consumer %s on %s: %w", consumer, stream, err)
	}
	return c.CachedInfo().Delivered.Stream, nil
}
