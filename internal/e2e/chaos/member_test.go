package chaos_test

import (
	"errors"
	"net/url"
	"time"

	"github.com/nats-io/nats-server/v2/logger"
	"github.com/nats-io/nats-server/v2/server"
)

// clusterRole is what a NATS process must know to be one of a cluster.
type clusterRole struct {
	Name   string // of the server
	Host   string
	Port   int      // of the routes
	Routes []string // of all members
}

// startMember runs a server of a cluster.
func (r serverRole) startMember() (stop func(), err error) {
	var routes []*url.URL
	for _, route := range r.Cluster.Routes {
		u, err := url.Parse(route)
		if err != nil {
			return nil, err
		}
		routes = append(routes, u)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: r.Cluster.Name, Host: r.Host, Port: r.Port, NoSigs: true, Routes: routes,
		Cluster:   server.ClusterOpts{Name: "chaos", Host: r.Cluster.Host, Port: r.Cluster.Port},
		JetStream: true, StoreDir: r.Dir, JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: storeBytes + storeBytes/2,
		PingInterval: 20 * time.Second, SyncInterval: 10 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	s.SetLoggerV2(logger.NewStdLogger(true, false, false, false, false), false, false, false)
	go s.Start()
	if !s.ReadyForConnections(time.Minute) {
		return nil, errors.New("the server did not start")
	}
	return func() {
		s.Shutdown()
		s.WaitForShutdown()
	}, nil
}
