package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// inspectTime bounds one request of an inspection: where leaders are missing the server waits four seconds for them
// before it answers.
const inspectTime = 6 * time.Second

// ErrNoJetStream says that a server answers and JetStream does not.
var ErrNoJetStream = errors.New("bus: JetStream does not answer")

// apiPage is what the lists of JetStream's API have in common.
type apiPage struct {
	Error   *jetstream.APIError `json:"error"`
	Total   int                 `json:"total"`
	Missing []string            `json:"missing"`
}

type streamPage struct {
	apiPage

	Streams []*jetstream.StreamInfo `json:"streams"`
}

type consumerPage struct {
	apiPage

	Consumers []*jetstream.ConsumerInfo `json:"consumers"`
}

type streamList struct {
	infos   []*jetstream.StreamInfo
	missing []string
	skew    time.Duration // of the server's clock; 0 where it took too long to tell
}

type consumerList struct {
	infos   []*jetstream.ConsumerInfo
	missing []string
	whole   bool // otherwise NATS did not say all, and what is not there may be
}

// api asks JetStream's API by hand: the client library drops the names of what has no leader.
func (b *Bus) api(ctx context.Context, verb string, offset int, page any) error {
	ctx, cancel := context.WithTimeout(ctx, inspectTime)
	defer cancel()
	reply, err := b.nc.RequestWithContext(ctx, "$JS.API."+verb, fmt.Appendf(nil, `{"offset":%d}`, offset))
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %s: %w", ErrNoJetStream, verb, err)
	}
	if err != nil {
		return fmt.Errorf("bus: ask for %s: %w", verb, err)
	}
	if err := json.Unmarshal(reply.Data, page); err != nil {
		return fmt.Errorf("bus: the answer to %s: %w", verb, err)
	}
	return nil
}

// pagesMost bounds how many pages of a list are read.
const pagesMost = 64

func (b *Bus) listStreams(ctx context.Context) (list streamList, err error) {
	for range pagesMost {
		var page streamPage
		asked := time.Now()
		if err := b.api(ctx, "STREAM.LIST", len(list.infos)+len(list.missing), &page); err != nil {
			return list, err
		}
		if page.Error != nil {
			return list, fmt.Errorf("%w: %w", ErrNoJetStream, page.Error)
		}
		if took := time.Since(asked); took < time.Second && len(page.Streams) > 0 && !page.Streams[0].TimeStamp.IsZero() {
			list.skew = page.Streams[0].TimeStamp.Sub(asked.Add(took / 2))
		}
		list.infos = append(list.infos, page.Streams...)
		list.missing = append(list.missing, page.Missing...)
		if len(page.Streams)+len(page.Missing) == 0 || len(list.infos)+len(list.missing) >= page.Total {
			break
		}
	}
	return list, nil
}

// listConsumers lists what answers.
func (b *Bus) listConsumers(ctx context.Context, stream string) (list consumerList) {
	for range pagesMost {
		var page consumerPage
		err := b.api(ctx, "CONSUMER.LIST."+stream, len(list.infos)+len(list.missing), &page)
		if err != nil || page.Error != nil {
			return list
		}
		list.infos = append(list.infos, page.Consumers...)
		list.missing = append(list.missing, page.Missing...)
		if len(page.Consumers)+len(page.Missing) == 0 || len(list.infos)+len(list.missing) >= page.Total {
			break
		}
	}
	list.whole = true
	return list
}

// inspectServer reads what the connection knows and the account.
func (b *Bus) inspectServer(ctx context.Context, found *Inspection) error {
	found.Server = ServerView{
		Name: b.nc.ConnectedServerName(), URL: b.URL(), Version: b.nc.ConnectedServerVersion(), Cluster: b.nc.ConnectedClusterName(),
	}
	rtt, err := b.nc.RTT()
	if err != nil {
		return fmt.Errorf("bus: NATS at %s does not answer: %w", b.URL(), err)
	}
	found.Server.RTT = rtt
	ctx, cancel := ask(ctx)
	defer cancel()
	account, err := b.js.AccountInfo(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoJetStream, err)
	}
	found.Account = AccountView{
		Memory: account.Memory, Store: account.Store, MaxMemory: account.Limits.MaxMemory, MaxStore: account.Limits.MaxStore,
		Streams: account.Streams, Consumers: account.Consumers, APIErrors: account.API.Errors, APIInFlight: account.API.Inflight,
	}
	return nil
}

func streamView(info *jetstream.StreamInfo) StreamView {
	return StreamView{
		Name: info.Config.Name, Subjects: info.Config.Subjects, Messages: info.State.Msgs, Bytes: info.State.Bytes,
		MaxBytes: info.Config.MaxBytes, Refuses: info.Config.Discard == jetstream.DiscardNew,
		First: info.State.FirstSeq, Last: info.State.LastSeq, LastStored: info.State.LastTime, Group: groupView(info.Cluster),
	}
}

func consumerView(info *jetstream.ConsumerInfo) ConsumerView {
	v := ConsumerView{
		Stream: info.Stream, Name: info.Name, Durable: info.Config.Durable != "", Pending: info.NumPending, AckPending: info.NumAckPending,
		Redelivered: info.NumRedelivered, Pulls: info.NumWaiting, Pushes: info.Config.DeliverSubject != "",
		Delivered: info.Delivered.Stream, AckFloor: info.AckFloor.Stream, AckWait: info.Config.AckWait, MaxPending: info.Config.MaxAckPending,
		Paused: info.Paused, PauseLeft: info.PauseRemaining, Created: info.Created, Group: groupView(info.Cluster),
	}
	if last := info.Delivered.Last; last != nil {
		v.DeliveredAt = *last
	}
	if last := info.AckFloor.Last; last != nil {
		v.AckedAt = *last
	}
	return v
}

func groupView(cluster *jetstream.ClusterInfo) GroupView {
	if cluster == nil || cluster.Name == "" {
		return GroupView{}
	}
	v := GroupView{Clustered: true, Leader: cluster.Leader}
	for _, peer := range cluster.Replicas {
		v.Peers = append(v.Peers, PeerView{Name: peer.Name, Current: peer.Current, Offline: peer.Offline, Lag: peer.Lag, Seen: peer.Active})
	}
	return v
}
