package bus

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/pipeline"
)

const (
	// reflexMarks is how long a bucket says that something was deleted.
	reflexMarks = time.Hour
	// reflexReview is how often a process compares what people said with what it heard: it may have been cut off for longer than that.
	reflexReview = 10 * time.Minute
)

// Reflexes are the buckets of what L1's processes and the people on call tell each other. What people say, silences and acknowledgements, has
// one of its own: there is room for it however many alerts fire.
type Reflexes struct{ bus *Bus }

// Reflex is an entry; Data is nil where it was deleted, or is to be.
type Reflex struct {
	Name string
	Data []byte
	TTL  time.Duration // after which the bucket may forget it; whole seconds, at least one
}

// Reflexes opens the buckets.
func (b *Bus) Reflexes(ctx context.Context) (*Reflexes, error) {
	for _, bucket := range reflexBuckets() {
		if _, err := b.bucket(ctx, bucket); err != nil {
			return nil, err
		}
	}
	return &Reflexes{b}, nil
}

func reflexBuckets() []string { return []string{pipeline.BucketSilences, pipeline.BucketReflexes} }

// reflexBucket returns the bucket of an entry, or of a pattern, by the kind with which it begins.
func reflexBucket(name string) string {
	if kind, _, _ := strings.Cut(name, "."); kind == "silence" || kind == "ack" {
		return pipeline.BucketSilences
	}
	return pipeline.BucketReflexes
}

func reflexSubject(bucket, name string) string { return "$KV." + bucket + "." + name }

// Read visits every entry that there is; where patterns such as "silence.>" are given, those alone.
func (r *Reflexes) Read(ctx context.Context, visit func(Reflex), patterns ...string) error {
	for _, bucket := range reflexBuckets() {
		var subjects []string
		for _, pattern := range patterns {
			if reflexBucket(pattern) == bucket {
				subjects = append(subjects, reflexSubject(bucket, pattern))
			}
		}
		if len(patterns) > 0 && len(subjects) == 0 {
			continue
		}
		if err := r.read(ctx, bucket, subjects, visit); err != nil {
			return fmt.Errorf("bus: read %s: %w", bucket, err)
		}
	}
	return nil
}

func (r *Reflexes) read(ctx context.Context, bucket string, subjects []string, visit func(Reflex)) error {
	s, err := r.bus.stream(ctx, "KV_"+bucket)
	if err != nil {
		return err
	}
	state := s.CachedInfo().State
	if state.Msgs == 0 {
		return nil
	}
	cfg := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy, FilterSubjects: subjects}
	return r.bus.readMessages(ctx, s, cfg, state.Msgs, func(m *Message) { visit(reflexOf(m)) })
}

// Run visits every entry that there is, and then each as it changes, until ctx ends. Where it can't, it begins again. What people said and is
// there no more is visited as deleted, also where that was not heard.
func (r *Reflexes) Run(ctx context.Context, visit func(Reflex)) {
	said := said{names: map[string]struct{}{}}
	var following sync.WaitGroup
	var one sync.Mutex
	each := func(e Reflex) { // one at a time
		one.Lock()
		defer one.Unlock()
		visit(e)
	}
	for _, bucket := range reflexBuckets() {
		following.Go(func() {
			r.follow(ctx, bucket, func(e Reflex) {
				if bucket == pipeline.BucketSilences {
					said.note(e)
				}
				each(e)
			})
		})
	}
	for pipeline.Pause(ctx, reflexReview) == nil {
		if err := r.review(ctx, &said, each); err != nil && ctx.Err() == nil {
			r.bus.log.WarnContext(ctx, "silences and acknowledgements not reviewed", "error", err)
		}
	}
	following.Wait()
}

func (r *Reflexes) follow(ctx context.Context, bucket string, visit func(Reflex)) {
	for ctx.Err() == nil {
		err := Follow{Stream: "KV_" + bucket, Start: true}.Run(ctx, r.bus, func(m *Message) { visit(reflexOf(m)) })
		if err != nil {
			r.bus.log.WarnContext(ctx, "silences, acknowledgements or alerts not heard", "bucket", bucket, "error", err)
		}
		if pipeline.Pause(ctx, time.Second) != nil {
			return
		}
	}
}

// review visits as deleted what was said before and is there no more.
func (r *Reflexes) review(ctx context.Context, said *said, visit func(Reflex)) error {
	gone := said.all()
	err := r.read(ctx, pipeline.BucketSilences, nil, func(e Reflex) {
		if e.Data != nil {
			delete(gone, e.Name)
		}
	})
	if err != nil {
		return err
	}
	for name := range gone {
		e := Reflex{Name: name}
		said.note(e)
		visit(e)
	}
	return nil
}

// said knows what people said and did not take back, as far as it was heard.
type said struct {
	mu    sync.Mutex
	names map[string]struct{}
}

func (s *said) note(e Reflex) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Data == nil {
		delete(s.names, e.Name)
	} else {
		s.names[e.Name] = struct{}{}
	}
}

func (s *said) all() map[string]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.names)
}

func reflexOf(m *Message) Reflex {
	e := Reflex{Data: m.Data}
	if parts := strings.SplitN(m.Subject, ".", 3); len(parts) == 3 { // $KV.bucket.name
		e.Name = parts[2]
	}
	if len(m.Header["KV-Operation"]) > 0 || len(m.Header["Nats-Marker-Reason"]) > 0 {
		e.Data = nil
	} else if e.Data == nil {
		e.Data = []byte{}
	}
	return e
}

// Delete removes an entry where it still is what is meant, and leaves one that took its place alone.
func (r *Reflexes) Delete(ctx context.Context, name string, means func(data []byte) bool) error {
	values, err := r.bus.Values(ctx, reflexBucket(name))
	if err != nil {
		return err
	}
	is, err := values.Get(ctx, name)
	if err != nil || is.Revision == 0 || !means(is.Data) {
		return err
	}
	msg := &nats.Msg{Subject: reflexSubject(reflexBucket(name), name), Header: nats.Header{
		"KV-Operation": {"DEL"}, jetstream.MsgTTLHeader: {strconv.Itoa(int(reflexMarks.Seconds())) + "s"},
		jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(is.Revision, 10)},
	}}
	ctx, cancel := ask(ctx)
	defer cancel()
	if _, err := r.bus.js.PublishMsg(ctx, msg); err != nil && !isConflict(err) {
		return fmt.Errorf("bus: delete %s: %w", name, err)
	}
	return nil
}

// Put stores entries; on an error some of them may be stored.
func (r *Reflexes) Put(ctx context.Context, entries ...Reflex) error {
	records := make([]pipeline.Record, len(entries))
	for i, e := range entries {
		seconds := max(1, int(e.TTL.Seconds()))
		records[i] = pipeline.Record{Subject: reflexSubject(reflexBucket(e.Name), e.Name), Data: e.Data, Header: map[string]string{}}
		if e.Data == nil {
			records[i].Header["KV-Operation"] = "DEL"
			seconds = int(reflexMarks.Seconds())
		}
		records[i].Header[jetstream.MsgTTLHeader] = strconv.Itoa(seconds) + "s"
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	if _, err := r.bus.Submit(ctx, records); err != nil {
		return fmt.Errorf("bus: what L1 shares: %w", err)
	}
	return nil
}
