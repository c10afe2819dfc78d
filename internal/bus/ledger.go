package bus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// shelf is one place where a layer's stages store results.
type shelf struct{ stream, subject string }

// shelves lists where the stages of a layer store results. What they hand on needs no ledger: the stage
// that takes it knows its senders. Only L1, which does not know its own past, must know what it handed up.
func shelves(layer layers.Name, partitions int) []shelf {
	list := []shelf{
		{pipeline.StreamVerdicts, pipeline.SubjectVerdicts + "." + layer.String() + ".>"},
		{pipeline.StreamDead, pipeline.SubjectOfDead(layer)},
	}
	switch layer {
	case layers.NameL1:
		for _, key := range pipeline.StagesOf(layers.NameL2, partitions) {
			list = append(list, shelf{key.Stream(), pipeline.SubjectOf(key.Layer, key.Partition)})
		}
	case layers.NameL3:
		list = append(list, shelf{pipeline.StreamSituations, pipeline.SubjectSituations + ".>"})
	case layers.NameL4:
		list = append(list, shelf{pipeline.StreamPlans, pipeline.SubjectPlans + ".>"},
			shelf{pipeline.StreamSituations, pipeline.SubjectSituations + "." + string(layers.SituationUpdated)}) // with its plan
	case layers.NameL5: // its alerts
		list = append(list, shelf{pipeline.StreamOf(layers.NameL1, 0, 1), pipeline.SubjectSignals + "." + pipeline.SourceOwn})
	}
	return list
}

// Stored implements pipeline.Broker: it reads the headers of what the layer stored since then. Stages of a layer that ask at the same
// time, as where one process takes over another's partitions, are answered by one reading.
func (b *Bus) Stored(
	ctx context.Context, layer layers.Name, behind pipeline.Ledger, since time.Time,
) (ids map[string]struct{}, upTo pipeline.Ledger, err error) {
	q := newLedgerQuestion(behind, since)
	err = b.ledgers[layer].ask(ctx, q, func(ctx context.Context, batch []*ledgerQuestion) error { return b.readLedger(ctx, layer, batch) })
	return q.ids, q.upTo, err
}

// readLedger answers questions about a layer.
func (b *Bus) readLedger(ctx context.Context, layer layers.Name, batch []*ledgerQuestion) error {
	partitions := 0
	if layer == layers.NameL1 { // The only one whose shelves depend on it.
		var err error
		if partitions, err = b.Partitions(ctx); err != nil {
			return err
		}
	}
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(shelvesAtOnce)
	for _, at := range shelves(layer, partitions) {
		reading.Go(func() error { return b.readShelf(ctx, layer, at, batch) })
	}
	return reading.Wait()
}

// shelvesAtOnce is how many shelves are read at the same time: most of it is waiting for answers.
const shelvesAtOnce = 4

// readShelf answers questions about what a layer stored in one stream.
func (b *Bus) readShelf(ctx context.Context, layer layers.Name, at shelf, batch []*ledgerQuestion) error {
	for _, same := range alike(batch, at.stream) {
		behind, since := earliest(same, at.stream)
		last, err := b.scan(ctx, at, behind, since, func(msg jetstream.Msg) error { return inform(same, at.stream, msg) })
		if err != nil {
			return fmt.Errorf("bus: read the ledger of %s in %s: %w", layer, at.stream, err)
		}
		for _, q := range same {
			q.reach(at.stream, last)
		}
	}
	return nil
}

// scan visits the heads of the messages of a shelf behind the ledger, or since then, that are stored before the call,
// and returns the last sequence of its stream at the call.
func (b *Bus) scan(
	ctx context.Context, at shelf, behind pipeline.Ledger, since time.Time, visit func(jetstream.Msg) error,
) (last uint64, err error) {
	stream, err := b.stream(ctx, at.stream)
	if err != nil {
		return 0, err
	}
	cfg := jetstream.ConsumerConfig{FilterSubject: at.subject, HeadersOnly: true}
	state := stream.CachedInfo().State
	if seq, known := behind[at.stream]; known {
		if state.LastSeq <= seq {
			return state.LastSeq, nil
		}
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, seq+1
	} else {
		if state.Msgs == 0 || state.LastTime.Before(since) {
			return state.LastSeq, nil
		}
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &since
	}
	var failed error
	err = b.read(ctx, stream, cfg, math.MaxUint64, func(msg jetstream.Msg) { failed = errors.Join(failed, visit(msg)) })
	return state.LastSeq, errors.Join(err, failed)
}

// Past implements pipeline.Broker.
func (b *Bus) Past(ctx context.Context, key pipeline.StageKey, from, to uint64, visit func(*pipeline.Delivery)) error {
	if to < from {
		return nil
	}
	cfg := jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from, HeadersOnly: true,
	}
	stream, err := b.stream(ctx, key.Stream())
	if err != nil {
		return err
	}
	var failed error
	err = b.read(ctx, stream, cfg, to-from+1, func(msg jetstream.Msg) {
		meta, err := msg.Metadata()
		switch {
		case err != nil:
			failed = err
		case meta.Sequence.Stream <= to:
			visit(&pipeline.Delivery{Seq: meta.Sequence.Stream, Subject: msg.Subject(), Header: msg.Headers(), Stored: meta.Timestamp})
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("bus: read the past of %s: %w", key.Name(), err)
	}
	return nil
}

// What read asks for at a time: no more than the client's buffer of a subscription holds.
const (
	fetchBatch = 8000     // messages
	fetchBytes = 32 << 20 // of messages as large as they can be
)

// How often a consumer that a cluster has just made may answer that nobody is there, and what lies between.
const (
	deafMost  = 20
	deafPause = 100 * time.Millisecond
)

// read visits the messages that a temporary consumer finds when it is made, the first most of them.
func (b *Bus) read(
	ctx context.Context, stream jetstream.Stream, cfg jetstream.ConsumerConfig, most uint64, visit func(jetstream.Msg),
) error {
	cfg.AckPolicy = jetstream.AckNonePolicy
	cfg.MemoryStorage = true
	cfg.Replicas = 1
	cfg.InactiveThreshold = 30 * time.Second
	consumer, err := stream.CreateConsumer(ctx, cfg)
	if err != nil {
		return err
	}
	// Nobody waits for that: without it the consumer ends by itself soon.
	defer func() {
		_ = b.nc.Publish("$JS.API.CONSUMER.DELETE."+consumer.CachedInfo().Stream+"."+consumer.CachedInfo().Name, nil)
	}()
	batch := uint64(fetchBatch)
	if !cfg.HeadersOnly {
		batch = min(batch, uint64(max(1, fetchBytes/b.MaxPayload())))
	}
	for left := min(most, consumer.CachedInfo().NumPending); left > 0; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		got, err := fetch(ctx, consumer, int(min(left, batch)), visit)
		if err != nil {
			return err
		}
		left -= min(left, got)
		if got > 0 {
			continue
		}
		info, err := consumer.Info(ctx)
		if err != nil {
			return err
		}
		if info.NumPending > 0 {
			return errors.New("the server stopped sending")
		}
		return nil
	}
	return nil
}

// fetch visits what a consumer has at hand, the first most of it, and returns how many messages that were. It waits for nothing but for the consumer's
// server to begin it: what was counted may be trimmed by now.
func fetch(ctx context.Context, consumer jetstream.Consumer, most int, visit func(jetstream.Msg)) (got uint64, err error) {
	for range deafMost {
		messages, err := consumer.FetchNoWait(most)
		if err != nil {
			return got, err
		}
		for msg := range messages.Messages() {
			visit(msg)
			got++
		}
		if err = messages.Error(); got > 0 || !errors.Is(err, nats.ErrNoResponders) {
			return got, err
		}
		if err := pipeline.Pause(ctx, deafPause); err != nil {
			return 0, err
		}
	}
	return 0, nats.ErrNoResponders
}

func (b *Bus) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	stream, err := b.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("bus: stream %s is missing: run `hal9 provision --nats %s`: %w", name, b.URL(), err)
	}
	if err != nil {
		return nil, fmt.Errorf("bus: stream %s: %w", name, err)
	}
	return stream, nil
}
