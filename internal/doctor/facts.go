package doctor

import (
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/internal/host"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/strategic"
)

// Facts are all that findings follow from.
type Facts struct {
	At        time.Time `json:"at"`
	Options   Options   `json:"options"`
	NATS      *NATS     `json:"nats,omitempty"`
	Processes []Process `json:"processes"` // those that answered, by name
	Doors     []Door    `json:"doors,omitempty"`
	Host      *Host     `json:"host,omitempty"`

	Kubernetes *Kubernetes `json:"kubernetes,omitempty"`
	Looked     []Look      `json:"looked"`
}

// Look is one thing that was looked at, or could not be.
type Look struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// NATS is what JetStream says, twice: what stands still is only seen by looking again.
type NATS struct {
	URL    string          `json:"url"`
	Error  string          `json:"error,omitempty"` // why nobody answers; what follows is empty then
	Silent bool            `json:"silent"`          // a server answers, and JetStream does not
	First  *bus.Inspection `json:"-"`
	Last   *bus.Inspection `json:"inspection,omitempty"`
	Apart  time.Duration   `json:"apart_ns"` // between both looks
	Census *bus.Census     `json:"census,omitempty"`

	FirstQueues map[layers.Name]bus.Load `json:"-"`
	LastQueues  map[layers.Name]bus.Load `json:"queues,omitempty"` // those that could be measured

	Dead       *dead.Summary      `json:"dead,omitempty"` // of the last hour
	DeadAll    int                `json:"dead_all"`       // that were not put back
	Objectives []strategic.Report `json:"objectives,omitempty"`
}

// now returns when the last look was, by the clock of the server: what it says of times is to be compared with that.
func (n *NATS) now() time.Time { return n.Last.At.Add(n.Last.Skew) }

// unmeasured returns the layers whose queues could not be measured, though there are streams.
func (n *NATS) unmeasured() (list []layers.Name) {
	if n.Last == nil || n.Last.Partitions == 0 {
		return nil
	}
	for _, layer := range layers.Names() {
		if _, ok := n.LastQueues[layer]; !ok {
			list = append(list, layer)
		}
	}
	return list
}

// Door is an HTTP address that was tried.
type Door struct {
	URL   string `json:"url"`
	Asked bool   `json:"asked"` // by name; otherwise it is the default
	Error string `json:"error,omitempty"`
	Name  string `json:"name,omitempty"` // of the process behind it
}

// Host is this machine.
type Host struct {
	Kills []host.Kill `json:"kills,omitempty"`
	Disk  *host.Disk  `json:"disk,omitempty"` // of NATS's data, where that is here
}

// seen reports whether anything of HAL9 could be looked at.
func (f *Facts) seen() bool {
	return f.NATS != nil && f.NATS.Error == "" || len(f.Processes) > 0 || f.inKubernetes()
}

// inKubernetes reports whether HAL9 was seen there.
func (f *Facts) inKubernetes() bool {
	return f.Kubernetes != nil && f.Kubernetes.Error == "" && len(f.Kubernetes.Workloads) > 0
}

// isOurs reports whether a stream is HAL9's, and not of somebody else on the same NATS.
func isOurs(stream string) bool {
	for _, prefix := range []string{"HAL9_", "KV_hal9_", "OBJ_hal9_"} {
		if strings.HasPrefix(stream, prefix) {
			return true
		}
	}
	return false
}

// stream returns a stream of the last look.
func (n *NATS) stream(name string) (bus.StreamView, bool) { return streamIn(n.Last, name) }

func streamIn(i *bus.Inspection, name string) (bus.StreamView, bool) {
	if i != nil {
		for at := range i.Streams {
			if i.Streams[at].Name == name {
				return i.Streams[at], true
			}
		}
	}
	return bus.StreamView{}, false
}

// consumerIn returns a consumer of an inspection.
func consumerIn(i *bus.Inspection, stream, name string) (bus.ConsumerView, bool) {
	view, _ := streamIn(i, stream)
	for _, consumer := range view.Consumers {
		if consumer.Name == name {
			return consumer, true
		}
	}
	return bus.ConsumerView{}, false
}
