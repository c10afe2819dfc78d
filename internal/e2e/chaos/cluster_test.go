package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// clusterSize is how many servers a cluster has; every stream lies on all of them.
const clusterSize = 3

// cluster is three NATS processes that keep every stream three times.
type cluster struct {
	servers []*natsServer
	network *network // nil where all are on 127.0.0.1
}

// newCluster returns a cluster that does not run yet, each server in a network namespace of its own where there is
// a network.
func newCluster(t *testing.T, dir string, n *network) *cluster {
	t.Helper()
	c := &cluster{network: n}
	ports := freePorts(t, 2*clusterSize)
	var routes []string
	for node := range clusterSize {
		host := "127.0.0.1"
		if n != nil {
			host = n.host(node)
		}
		routes = append(routes, "nats-route://"+net.JoinHostPort(host, strconv.Itoa(ports[clusterSize+node])))
		s := &natsServer{name: fmt.Sprint("nats-", node+1)}
		t.Cleanup(s.kill)
		s.logPath = filepath.Join(dir, s.name+".log")
		s.role = serverRole{
			Ready: filepath.Join(dir, s.name+".ready"), Dir: filepath.Join(dir, s.name), Host: host, Port: ports[node],
			Cluster: &clusterRole{Name: s.name, Host: host, Port: ports[clusterSize+node]},
		}
		if n != nil {
			s.prefix = n.command(node)
		}
		c.servers = append(c.servers, s)
	}
	for _, s := range c.servers {
		s.role.Cluster.Routes = routes
	}
	return c
}

// start runs all servers and waits until they elected a leader.
func (c *cluster) start(ctx context.Context) error {
	for _, s := range c.servers {
		if err := s.launch(ctx); err != nil {
			return err
		}
	}
	for _, s := range c.servers {
		if err := s.await(); err != nil {
			return err
		}
	}
	return c.poll(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		_, err := js.AccountInfo(ctx)
		return err
	})
}

func (c *cluster) url() string {
	var urls []string
	for _, s := range c.servers {
		urls = append(urls, s.url())
	}
	return strings.Join(urls, ",")
}

// healthy waits until every stream lies up to date on every server.
func (c *cluster) healthy(ctx context.Context) error {
	return c.poll(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		streams := js.ListStreams(ctx)
		for info := range streams.Info() {
			name := info.Config.Name
			if info.Cluster == nil || info.Cluster.Leader == "" || len(info.Cluster.Replicas) != clusterSize-1 {
				return fmt.Errorf("stream %s has no leader or too few replicas: %+v", name, info.Cluster)
			}
			for _, peer := range info.Cluster.Replicas {
				if !peer.Current || peer.Offline {
					return fmt.Errorf("stream %s is behind on %s", name, peer.Name)
				}
			}
		}
		return streams.Err()
	})
}

// healthyWithin is how long a cluster may need to be whole again.
const healthyWithin = 90 * time.Second

// poll asks until there is no complaint.
func (c *cluster) poll(ctx context.Context, ask func(context.Context, jetstream.JetStream) error) error {
	js, closeClient, err := dial(c.url())
	if err != nil {
		return err
	}
	defer closeClient()
	for deadline := time.Now().Add(healthyWithin); ; {
		err := askOnce(ctx, js, ask)
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the cluster is not whole after %s: %w", healthyWithin, err)
		}
		pause(ctx, 100*time.Millisecond)
	}
}

func askOnce(ctx context.Context, js jetstream.JetStream, ask func(context.Context, jetstream.JetStream) error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return ask(ctx, js)
}

// killNode kills a server of the cluster and starts it again after a while.
func (w *storm) killNode(ctx context.Context) error {
	s := w.cluster.servers[w.random.IntN(clusterSize)]
	s.kill()
	done := w.hit(strike{kind: kindNode, what: s.name})
	w.pause(ctx, 8*time.Second)
	if err := s.start(ctx); err != nil {
		return err
	}
	done()
	return w.cluster.healthy(ctx)
}

// cutNode takes a server off the network without a word to anybody, for 10 to 45 s.
func (w *storm) cutNode(ctx context.Context) error {
	node := w.random.IntN(clusterSize)
	if err := w.cluster.network.cut(ctx, node); err != nil {
		return err
	}
	done := w.hit(strike{kind: kindCut, what: w.cluster.servers[node].name})
	pause(ctx, 10*time.Second)
	w.pause(ctx, 35*time.Second)
	if err := w.cluster.network.heal(ctx, node); err != nil {
		return err
	}
	done()
	return w.cluster.healthy(ctx)
}

// TestCluster runs HAL9 on three NATS servers that keep each stream three times, kills one of them and, where
// this process may make network namespaces, takes one off the network, publishes on and counts.
func TestCluster(t *testing.T) {
	s := readSettings(t)
	s.signals, s.partitions = min(s.signals/4, 60_000), min(s.partitions, 2)
	t.Logf("%s", s)
	var n *network
	if s.cluster[kindCut] > 0 {
		n = newNetwork(t, clusterSize)
	}
	began := time.Now()
	w := &world{t: t, dir: newFolder(t, s)}
	w.cluster = newCluster(t, w.dir, n)
	if err := w.cluster.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.provision(w.cluster.url(), s.partitions, configText, "--replicas", strconv.Itoa(clusterSize))
	w.endure(s, newStorm(w, s, s.cluster, layerNames), began)
}
