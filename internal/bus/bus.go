// Package bus puts the pipeline on NATS JetStream. It owns every connection, stream,
// consumer and bucket that HAL9 uses and promises what package pipeline asks of a
// broker: a burst is handed out in stream order, Publish returns nil only when
// JetStream has stored every record, and a connection that broke ends the sources
// that hung on it, so that their stages start again from the ledger.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/layers"
)

// ErrDisconnected ends a source whose connection broke: what was in flight is uncertain.
var ErrDisconnected = errors.New("bus: the connection to NATS broke")

// Config says how to reach NATS.
type Config struct {
	URL            string        // nats://host:port, several separated by commas
	Name           string        // client name that NATS shows; default "hal9"
	CredsFile      string        // NATS credentials file; none by default
	ConnectTimeout time.Duration // of the first connection; default 5 s
	PublishTimeout time.Duration // how long a stored answer is waited for; default 10 s
	MaxInFlight    int           // publishes without an answer; default 8192
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		URL:            nats.DefaultURL,
		Name:           "hal9",
		ConnectTimeout: 5 * time.Second,
		PublishTimeout: 10 * time.Second,
		MaxInFlight:    8192,
	}
}

// Bus is a connection to NATS with all that HAL9 does on it. It is safe for concurrent use.
type Bus struct {
	cfg Config
	log *slog.Logger
	nc  *nats.Conn // consumes and asks
	out *nats.Conn // publishes, so that a full outgoing buffer delays no acknowledgement
	js  jetstream.JetStream
	pub jetstream.JetStream

	answers *answers // to what stages publish
	fence   *fence
	ledgers map[layers.Name]*ledgerTurns

	mu     sync.Mutex
	broken chan struct{} // closed when a connection breaks; replaced when it is back
}

// Connect connects to NATS. Further options, such as an in-process connection, come last.
func Connect(cfg Config, log *slog.Logger, options ...nats.Option) (*Bus, error) {
	b := &Bus{cfg: cfg, log: log, fence: &fence{began: time.Now()}, broken: make(chan struct{}), ledgers: newLedgerTurns()}
	var err error
	if b.nc, err = b.dial(cfg.Name, options); err != nil {
		return nil, err
	}
	out := append([]nats.Option{nats.SetCustomDialer(&dialer{net.Dialer{Timeout: cfg.ConnectTimeout}, b.fence})}, options...)
	if b.out, err = b.dial(cfg.Name+"-publish", out); err != nil {
		b.nc.Close()
		return nil, err
	}
	if b.js, err = jetstream.New(b.nc); err != nil {
		b.Close()
		return nil, fmt.Errorf("bus: %w", err)
	}
	b.pub, err = jetstream.New(b.out,
		jetstream.WithPublishAsyncMaxPending(cfg.MaxInFlight),
		jetstream.WithPublishAsyncTimeout(cfg.PublishTimeout))
	if err == nil {
		b.answers, err = newAnswers(b.out)
	}
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("bus: %w", err)
	}
	return b, nil
}

func (b *Bus) dial(name string, options []nats.Option) (*nats.Conn, error) {
	all := []nats.Option{
		nats.Name(name),
		nats.Timeout(b.cfg.ConnectTimeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(200 * time.Millisecond),
		nats.PingInterval(10 * time.Second),
		// What was not sent must fail at once: the stage that sent it starts again, and a copy
		// that is flushed after the reconnect would race with it.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { b.disconnected(name, err) }),
		nats.ReconnectHandler(func(*nats.Conn) { b.reconnected(name) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.log.Warn("nats client", "connection", name, "error", err)
		}),
	}
	if b.cfg.CredsFile != "" {
		all = append(all, nats.UserCredentials(b.cfg.CredsFile))
	}
	nc, err := nats.Connect(b.cfg.URL, append(all, options...)...)
	if err != nil {
		return nil, fmt.Errorf("bus: can't connect to NATS at %s: %w: is it running, and is the address right?", withoutSecrets(b.cfg.URL), err)
	}
	return nc, nil
}

func (b *Bus) disconnected(name string, err error) {
	if err != nil {
		b.log.Warn("disconnected from NATS", "connection", name, "error", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.broken:
	default:
		close(b.broken)
	}
}

func (b *Bus) reconnected(name string) {
	b.log.Info("connected to NATS again", "connection", name)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.nc.IsConnected() && b.out.IsConnected() {
		b.broken = make(chan struct{})
	}
}

// brokenChan returns the channel that is closed when one of the present connections breaks.
func (b *Bus) brokenChan() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken
}

// Connected reports whether both connections stand.
func (b *Bus) Connected() bool { return b.nc.IsConnected() && b.out.IsConnected() }

// URL returns the address of the connected server, or the configured one, as it may be shown: without passwords and tokens.
func (b *Bus) URL() string {
	if address := b.nc.ConnectedUrl(); address != "" {
		return withoutSecrets(address)
	}
	return withoutSecrets(b.cfg.URL)
}

// withoutSecrets takes who connects out of addresses: a user without a password is a token.
func withoutSecrets(addresses string) string {
	list := strings.Split(addresses, ",")
	for i, address := range list {
		scheme, rest, ok := strings.Cut(address, "://")
		if !ok {
			scheme, rest = "", address
		}
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			rest = rest[at+1:]
		}
		list[i] = rest
		if ok {
			list[i] = scheme + "://" + rest
		}
	}
	return strings.Join(list, ",")
}

// MaxPayload returns the server's bound of one message, bytes.
func (b *Bus) MaxPayload() int { return int(b.nc.MaxPayload()) }

// Conn returns the consuming connection for adapters that speak NATS themselves; it stays
// owned by the Bus.
func (b *Bus) Conn() *nats.Conn { return b.nc }

// Close ends both connections after what was sent has left.
func (b *Bus) Close() {
	for _, nc := range []*nats.Conn{b.out, b.nc} {
		if nc == nil {
			continue
		}
		if nc.IsConnected() {
			_ = nc.FlushTimeout(2 * time.Second)
		}
		nc.Close()
	}
}

// ask bounds a request to the server.
func ask(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 5*time.Second)
}
