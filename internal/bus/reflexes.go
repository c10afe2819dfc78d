package bus

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

// reflexMarks is how long the bucket says that something was deleted: longer than a process is cut off and still
// counts on what it knows.
const reflexMarks = time.Hour

// Reflexes is the bucket of what L1's processes and the people on call tell each other.
type Reflexes struct{ bus *Bus }

// Reflex is an entry of the bucket; Data is nil where it was deleted, or is to be.
type Reflex struct {
	Name string
	Data []byte
	TTL  time.Duration // after which the bucket may forget it; whole seconds, at least one
}

// Reflexes opens the bucket.
func (b *Bus) Reflexes(ctx context.Context) (*Reflexes, error) {
	if _, err := b.bucket(ctx, pipeline.BucketReflexes); err != nil {
		return nil, err
	}
	return &Reflexes{b}, nil
}

// Where the entries are.
const (
	reflexStream  = "KV_" + pipeline.BucketReflexes
	reflexSubject = "$KV." + pipeline.BucketReflexes + "."
)

// Read visits every entry that there is; where patterns such as "silence.>" are given, those alone.
func (r *Reflexes) Read(ctx context.Context, visit func(Reflex), patterns ...string) error {
	s, err := r.bus.stream(ctx, reflexStream)
	if err != nil {
		return err
	}
	state := s.CachedInfo().State
	if state.Msgs == 0 {
		return nil
	}
	cfg := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}
	for _, pattern := range patterns {
		cfg.FilterSubjects = append(cfg.FilterSubjects, reflexSubject+pattern)
	}
	err = r.bus.readMessages(ctx, s, cfg, state.Msgs, func(m *Message) { visit(reflexOf(m)) })
	if err != nil {
		return fmt.Errorf("bus: read %s: %w", pipeline.BucketReflexes, err)
	}
	return nil
}

// Run visits every entry that there is, and then each as it changes, until ctx ends. Where it can't, it begins again.
func (r *Reflexes) Run(ctx context.Context, visit func(Reflex)) {
	for ctx.Err() == nil {
		err := Follow{Stream: reflexStream, Start: true}.Run(ctx, r.bus, func(m *Message) { visit(reflexOf(m)) })
		if err != nil {
			r.bus.log.WarnContext(ctx, "silences and acknowledgements not heard", "error", err)
		}
		if pause(ctx, time.Second) != nil {
			return
		}
	}
}

func reflexOf(m *Message) Reflex {
	e := Reflex{Name: strings.TrimPrefix(m.Subject, reflexSubject), Data: m.Data}
	if len(m.Header["KV-Operation"]) > 0 || len(m.Header["Nats-Marker-Reason"]) > 0 {
		e.Data = nil
	} else if e.Data == nil {
		e.Data = []byte{}
	}
	return e
}

// Put stores entries; on an error some of them may be stored.
func (r *Reflexes) Put(ctx context.Context, entries ...Reflex) error {
	records := make([]pipeline.Record, len(entries))
	for i, e := range entries {
		seconds := max(1, int(e.TTL.Seconds()))
		records[i] = pipeline.Record{Subject: reflexSubject + e.Name, Data: e.Data, Header: map[string]string{}}
		if e.Data == nil {
			records[i].Header["KV-Operation"] = "DEL"
			seconds = int(reflexMarks.Seconds())
		}
		records[i].Header[jetstream.MsgTTLHeader] = strconv.Itoa(seconds) + "s"
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	if _, err := r.bus.Submit(ctx, records); err != nil {
		return fmt.Errorf("bus: %s: %w", pipeline.BucketReflexes, err)
	}
	return nil
}
