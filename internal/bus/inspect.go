package bus

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// Inspection is JetStream as it is at a moment, for people who look for what is wrong: everything that answers, and
// the names of what does not.
type Inspection struct {
	At      time.Time     `json:"at"` // by this process's clock
	Server  ServerView    `json:"server"`
	Account AccountView   `json:"account"`
	Streams []StreamView  `json:"streams"`
	Lost    []string      `json:"lost_streams,omitempty"` // those that exist and have no leader that answers
	Skew    time.Duration `json:"clock_skew_ns"`          // of the server's clock against this one's, half the round trip taken off

	Provisioned bool     `json:"provisioned"` // HAL9_L1 is there and says how many partitions there are
	Partitions  int      `json:"partitions,omitempty"`
	Replicas    int      `json:"replicas,omitempty"`
	Missing     []string `json:"missing,omitempty"` // what provisioning would create, as "stream HAL9_L1"
	Changed     []Change `json:"changed,omitempty"` // what provisioning would update
}

// ServerView is the server of the connection.
type ServerView struct {
	Name    string        `json:"name"`
	URL     string        `json:"url"`
	Version string        `json:"version"`
	Cluster string        `json:"cluster,omitempty"`
	RTT     time.Duration `json:"rtt_ns"`
}

// AccountView is what the account uses and may use; a bound of -1 is none.
type AccountView struct {
	Memory      uint64 `json:"memory_bytes"`
	Store       uint64 `json:"store_bytes"`
	MaxMemory   int64  `json:"max_memory_bytes"`
	MaxStore    int64  `json:"max_store_bytes"`
	Streams     int    `json:"streams"`
	Consumers   int    `json:"consumers"`
	APIErrors   uint64 `json:"api_errors"`
	APIInFlight uint64 `json:"api_in_flight"`
}

// StreamView is a stream with its consumers.
type StreamView struct {
	Name       string         `json:"name"`
	Subjects   []string       `json:"subjects,omitempty"`
	Messages   uint64         `json:"messages"`
	Bytes      uint64         `json:"bytes"`
	MaxBytes   int64          `json:"max_bytes"`   // -1: no bound
	Refuses    bool           `json:"refuses"`     // new messages when full; otherwise it drops its oldest
	First      uint64         `json:"first_seq"`   // sequence
	Last       uint64         `json:"last_seq"`    // sequence
	LastStored time.Time      `json:"last_stored"` // zero where nothing ever was
	Group      GroupView      `json:"group"`
	Consumers  []ConsumerView `json:"consumers,omitempty"`
	Lost       []string       `json:"lost_consumers,omitempty"` // those that have no leader that answers
}

// ConsumerView is a durable or another consumer.
type ConsumerView struct {
	Stream      string        `json:"stream"`
	Name        string        `json:"name"`
	Durable     bool          `json:"durable"`
	Pending     uint64        `json:"pending"`     // messages not delivered yet
	AckPending  int           `json:"ack_pending"` // messages delivered and not acknowledged
	Redelivered int           `json:"redelivered"`
	Pulls       int           `json:"pulls"` // requests for messages that wait
	Pushes      bool          `json:"pushes"`
	Delivered   uint64        `json:"delivered_seq"` // in the stream
	DeliveredAt time.Time     `json:"delivered_at"`  // zero where nothing ever was
	AckFloor    uint64        `json:"ack_floor_seq"` // in the stream
	AckedAt     time.Time     `json:"acked_at"`      // zero where nothing ever was
	AckWait     time.Duration `json:"ack_wait_ns"`
	MaxPending  int           `json:"max_ack_pending"`
	Paused      bool          `json:"paused,omitempty"`
	PauseLeft   time.Duration `json:"pause_left_ns,omitempty"`
	Created     time.Time     `json:"created"`
	Group       GroupView     `json:"group"`
}

// GroupView is who keeps copies. A server that is no cluster shows none.
type GroupView struct {
	Clustered bool       `json:"clustered"`
	Leader    string     `json:"leader,omitempty"` // "" in a cluster: there is none
	Peers     []PeerView `json:"peers,omitempty"`  // without the leader
}

// PeerView is a server that keeps a copy.
type PeerView struct {
	Name    string        `json:"name"`
	Current bool          `json:"current"`
	Offline bool          `json:"offline"`
	Lag     uint64        `json:"lag"`         // operations behind the leader
	Seen    time.Duration `json:"seen_ago_ns"` // since it was last heard of
}

// inspectAtOnce bounds the requests of an inspection that are open at the same time.
const inspectAtOnce = 16

// Inspect looks at everything. It fails only where JetStream does not answer at all.
func (b *Bus) Inspect(ctx context.Context) (*Inspection, error) {
	found := &Inspection{At: time.Now()}
	if err := b.inspectServer(ctx, found); err != nil {
		return nil, err
	}
	list, err := b.listStreams(ctx)
	if err != nil {
		return nil, err
	}
	found.Lost, found.Skew = list.missing, list.skew
	found.Streams = make([]StreamView, len(list.infos))
	consumers := make([]consumerList, len(list.infos))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inspectAtOnce)
	for i, info := range list.infos {
		found.Streams[i] = streamView(info)
		group.Go(func() error {
			consumers[i] = b.listConsumers(ctx, info.Config.Name)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i := range consumers {
		found.Streams[i].Lost = consumers[i].missing
		for _, info := range consumers[i].infos {
			found.Streams[i].Consumers = append(found.Streams[i].Consumers, consumerView(info))
		}
	}
	compare(found, list, consumers)
	return found, nil
}
