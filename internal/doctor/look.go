package doctor

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/host"
	"github.com/2lab-ai/hal9/internal/kube"
)

// Options say where to look.
type Options struct {
	NATS    bus.Config    `json:"-"`
	HTTP    []string      `json:"http"`           // addresses of processes, such as http://127.0.0.1:9099
	Asked   bool          `json:"http_asked"`     // they were given by name: that they do not answer is a finding
	Data    string        `json:"data,omitempty"` // folder of NATS's data where that is on this machine
	Between time.Duration `json:"between_ns"`     // between the two looks at JetStream; default 2 s
	Still   time.Duration `json:"still_ns"`       // for how long a consumer with work moves nothing before it has stalled; default 10 s
	// Kubernetes says whether to look at it: auto, on or off; default auto.
	Kubernetes string      `json:"kubernetes"`
	Kube       kube.Client `json:"-"`
}

// DefaultOptions returns the defaults.
func DefaultOptions() Options {
	cfg := bus.DefaultConfig()
	cfg.Name, cfg.ConnectTimeout = "hal9-doctor", 3*time.Second
	return Options{NATS: cfg, HTTP: []string{"http://127.0.0.1:9099"}, Between: 2 * time.Second, Still: 10 * time.Second, Kubernetes: KubernetesAuto, Kube: kube.NewClient()}
}

// Examine collects the facts. It never fails: what can't be looked at is a fact, too.
func Examine(ctx context.Context, opts Options, log *slog.Logger) *Facts {
	e := &examination{opts: opts, log: log, facts: &Facts{At: time.Now(), Options: opts}}
	var wait sync.WaitGroup
	for _, look := range []func(context.Context){e.lookAtNATS, e.lookAtDoors, e.lookAtHost, e.lookAtKubernetes} {
		wait.Go(func() { look(ctx) })
	}
	wait.Wait()
	slices.SortFunc(e.facts.Processes, func(a, b Process) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(e.facts.Looked, func(a, b Look) int { return cmp.Compare(a.What, b.What) })
	return e.facts
}

type examination struct {
	opts Options
	log  *slog.Logger

	mu    sync.Mutex // guards facts while several look
	facts *Facts
}

// note adds to the facts.
func (e *examination) note(change func(*Facts)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e.facts)
}

func (e *examination) looked(what string, ok bool, detail string) {
	e.note(func(f *Facts) { f.Looked = append(f.Looked, Look{what, ok, detail}) })
}

// killsSince is how far back the kernel's log is of interest.
const killsSince = 24 * time.Hour

func (e *examination) lookAtHost(context.Context) {
	reader := host.NewReader("/")
	found := &Host{}
	kills, err := reader.Kills(time.Now())
	detail := "no process killed for want of memory in 24 hours"
	if err != nil {
		detail = err.Error()
	}
	for _, kill := range kills {
		if time.Since(kill.At) < killsSince {
			found.Kills = append(found.Kills, kill)
			detail = plural(len(found.Kills), "process") + " killed for want of memory in 24 hours"
		}
	}
	e.looked("kernel log", err == nil, detail)
	if e.opts.Data != "" {
		disk, err := reader.Disk(e.opts.Data)
		if err == nil {
			found.Disk = &disk
			e.looked("disk", true, e.opts.Data+": "+bytes(disk.Free)+" of "+bytes(disk.Total)+" free")
		} else {
			e.looked("disk", false, err.Error())
		}
	}
	e.note(func(f *Facts) { f.Host = found })
}
