package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// The bucket of leases holds two kinds of records. Under a stage's name, such as L3.07, stands which
// session owns it; that record never expires, and a free stage has none. Under
// member.<group>.<process>-<life> stands a session: a process that takes part. It
// expires unless it is renewed, and a stage whose session is gone is an orphan. Both stand in one stream,
// so that whoever reads it in order sees no lease of a session before the session itself.
const (
	memberKeys = "member."
	// everyLayer is the group of processes that run several layers; one that runs a single layer is in the
	// group of that layer, so that its renewals reach those only whom they concern.
	everyLayer = "all"
)

// leaseRecord says who owns a stage.
type leaseRecord struct {
	Session string `json:"session"`
	Owner   string `json:"owner"` // as people know the process
}

// memberRecord is a session.
type memberRecord struct {
	Owner string `json:"owner"`
	// Layers says at which revision of the bucket the process joined a layer; 0 stands for the
	// revision of the record itself.
	Layers map[string]uint64 `json:"layers"`
}

// sessionID names the n-th session of a process, whose name begins with its group.
func sessionID(process string, life int) string {
	return process + "-" + strconv.Itoa(life)
}

// processOf returns the process of a session and which of its sessions it is.
func processOf(session string) (process string, life int) {
	at := strings.LastIndexByte(session, '-')
	if at < 0 {
		return session, 0
	}
	life, _ = strconv.Atoi(session[at+1:])
	return session[:at], life
}

// layerOf returns the layer of a stage, L3 of L3.07.
func layerOf(stage string) string {
	layer, _, _ := strings.Cut(stage, ".")
	return layer
}

// leaseEntry is a record as it comes out of the bucket.
type leaseEntry struct {
	key      string
	revision uint64
	value    []byte // nil where the key is gone
	gone     bool   // deleted or expired
}

// session returns the session that the entry is about, "" where it is about a stage.
func (e leaseEntry) session() string {
	id, ok := strings.CutPrefix(e.key, memberKeys)
	if !ok {
		return ""
	}
	return id
}

// leaseStore writes to the bucket of leases by compare-and-set.
type leaseStore struct{ js jetstream.JetStream }

const leaseSubjects = "$KV." + pipeline.BucketLeases + "."

// othersOf returns how many sessions of other processes run a layer.
func (b *Bus) othersOf(ctx context.Context, layer layers.Name) (n int, err error) {
	mine := ""
	if s := b.fence.session.Load(); s != nil {
		mine = s.id
	}
	stream, err := b.js.Stream(ctx, leaseStream)
	if err != nil {
		return 0, err
	}
	for _, group := range []string{layer.String(), everyLayer} {
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(leaseSubjects+memberKeys+group+".*"))
		if err != nil {
			return 0, err
		}
		for subject := range info.State.Subjects {
			msg, err := stream.GetLastMsgForSubject(ctx, subject)
			switch {
			case errors.Is(err, jetstream.ErrMsgNotFound): // It has expired just now.
			case err != nil:
				return 0, err
			case len(msg.Data) > 0 && strings.TrimPrefix(subject, leaseSubjects+memberKeys) != mine: // No tombstone.
				n++
			}
		}
	}
	return n, nil
}

// put replaces the record that has the expected revision (0: there is none) and returns the revision of
// the new one, which expires after ttl unless that is 0.
func (s leaseStore) put(ctx context.Context, key string, record any, expected uint64, ttl time.Duration) (uint64, error) {
	value, err := json.Marshal(record)
	if err != nil {
		return 0, fmt.Errorf("bus: lease record %s: %w", key, err)
	}
	options := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(expected)}
	if ttl > 0 {
		options = append(options, jetstream.WithMsgTTL(ttl))
	}
	return s.publish(ctx, &nats.Msg{Subject: leaseSubjects + key, Data: value}, options...)
}

// remove deletes the record that has the expected revision.
func (s leaseStore) remove(ctx context.Context, key string, expected uint64) (uint64, error) {
	return s.publish(ctx, tombstone(key), jetstream.WithExpectLastSequencePerSubject(expected))
}

// bury deletes a session; 0 stands for whatever revision it has. The mark that it leaves expires, since
// no session comes twice.
func (s leaseStore) bury(ctx context.Context, session string, expected uint64) error {
	options := []jetstream.PublishOpt{jetstream.WithMsgTTL(leaseMarks)}
	if expected > 0 {
		options = append(options, jetstream.WithExpectLastSequencePerSubject(expected))
	}
	_, err := s.publish(ctx, tombstone(memberKeys+session), options...)
	return err
}

func tombstone(key string) *nats.Msg {
	return &nats.Msg{Subject: leaseSubjects + key, Header: nats.Header{"KV-Operation": {"PURGE"}}}
}

func (s leaseStore) publish(ctx context.Context, msg *nats.Msg, options ...jetstream.PublishOpt) (uint64, error) {
	ack, err := s.js.PublishMsg(ctx, msg, options...)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// isWrongRevision reports whether somebody else has written in between. Replicated streams have a
// code of their own for it.
func isWrongRevision(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
