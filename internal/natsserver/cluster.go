package natsserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Node is one server of a Cluster.
type Node struct {
	nats    *server.Server
	options *server.Options
	log     *slog.Logger
}

// Halt stops the server; Resume starts it again on the same data and port.
func (n *Node) Halt() {
	if address, ok := n.nats.Addr().(*net.TCPAddr); ok {
		n.options.Port = address.Port
	}
	n.nats.Shutdown()
	n.nats.WaitForShutdown()
}

// Resume starts the server after Halt.
func (n *Node) Resume() error {
	options := n.options.Clone()
	ns, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("natsserver: %w", err)
	}
	ns.SetLoggerV2(&logRelay{log: n.log}, false, false, false)
	n.nats = ns
	go ns.Start()
	return nil
}

// URL returns the node's address for clients.
func (n *Node) URL() string { return n.nats.ClientURL() }

// Monitoring returns host:port of the node's monitoring, "" where it has none.
func (n *Node) Monitoring() string {
	if address := n.nats.MonitorAddr(); address != nil {
		return address.String()
	}
	return ""
}

// InProcess returns the option with which a client in this process connects without a socket.
func (n *Node) InProcess() nats.Option { return nats.InProcessServer(n.nats) }

// Cluster is several servers in this process that replicate for each other. All of them share the fate of the
// process, so it is for measuring and testing and protects nothing.
type Cluster struct{ nodes []*Node }

// StartCluster starts the servers on free ports, each in a folder of its own below cfg.DataDir, and waits until they
// have a leader.
func StartCluster(ctx context.Context, cfg Config, nodes int, log *slog.Logger) (*Cluster, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	routes, err := freeRoutes(ctx, cfg.Host, nodes)
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	for i, route := range routes {
		port, err := strconv.Atoi(route.Port())
		if err != nil {
			return nil, fmt.Errorf("natsserver: %w", err)
		}
		name := fmt.Sprintf("hal9-%d", i+1)
		node := &Node{log: log, options: &server.Options{
			ServerName: name, Host: cfg.Host, Port: server.RANDOM_PORT, NoSigs: true,
			JetStream: true, StoreDir: filepath.Join(cfg.DataDir, name), JetStreamMaxMemory: cfg.MaxMemory, JetStreamMaxStore: cfg.MaxStore,
			MaxPayload: cfg.MaxPayload, PingInterval: 20 * time.Second, SyncInterval: cfg.SyncInterval, SyncAlways: cfg.SyncAlways,
			Cluster: server.ClusterOpts{Name: "hal9", Host: cfg.Host, Port: port}, Routes: routes,
		}}
		if cfg.Monitoring {
			node.options.HTTPHost, node.options.HTTPPort = cfg.Host, server.RANDOM_PORT
		}
		if err := node.Resume(); err != nil {
			c.Stop()
			return nil, err
		}
		c.nodes = append(c.nodes, node)
	}
	if err := c.ready(ctx, cfg.StartTimeout); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// freeRoutes finds a free port for each node's connections to the others: every node must know all of them
// before the first one starts.
func freeRoutes(ctx context.Context, host string, nodes int) ([]*url.URL, error) {
	var routes []*url.URL
	for range nodes {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, fmt.Errorf("natsserver: find a free port: %w", err)
		}
		defer listener.Close() // All are held until the last one is found.
		routes = append(routes, &url.URL{Scheme: "nats", Host: listener.Addr().String()})
	}
	return routes, nil
}

// ready waits until every node accepts clients and one of them leads.
func (c *Cluster) ready(ctx context.Context, bound time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, bound, errors.New("natsserver: the cluster was not ready in time"))
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !c.leads() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (c *Cluster) leads() bool {
	led := false
	for _, node := range c.nodes {
		if !node.nats.ReadyForConnections(10 * time.Millisecond) {
			return false
		}
		led = led || node.nats.JetStreamIsLeader()
	}
	return led
}

// Nodes returns the servers.
func (c *Cluster) Nodes() []*Node { return c.nodes }

// Stop ends all servers.
func (c *Cluster) Stop() {
	for _, node := range c.nodes {
		node.nats.Shutdown()
	}
	for _, node := range c.nodes {
		node.nats.WaitForShutdown()
	}
}
