package doctor

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/command"
	"github.com/2lab-ai/hal9/internal/host"
	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

// Options say where to look.
type Options struct {
	NATS  bus.Config `json:"-"`
	HTTP  []string   `json:"http"`           // addresses of processes, such as http://127.0.0.1:9099
	Asked bool       `json:"http_asked"`     // they were given by name: that they do not answer is a finding
	Data  string     `json:"data,omitempty"` // folder of NATS's data where that is on this machine
	// UsualData is the folder that `hal9 up` takes unless it is told another.
	UsualData string `json:"-"`

	Between time.Duration `json:"between_ns"` // between the two looks at JetStream; default 2 s
	Still   time.Duration `json:"still_ns"`   // for how long a consumer with work moves nothing before it has stalled; default 10 s
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
	e.lookAtDisk()
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
	e.note(func(f *Facts) { f.Host = found })
}

// lookAtDisk looks at the disk of NATS's data, where that is on this machine: in the folder that was named, or in the
// usual one of a `hal9 up` that answered from here.
func (e *examination) lookAtDisk() {
	folder := e.opts.Data
	if folder == "" {
		if !e.facts.upHere() {
			e.looked("disk", false, "NATS's data is not on this machine")
			return
		}
		folder = e.opts.UsualData
		if _, err := os.Stat(filepath.Join(folder, "jetstream")); err != nil {
			e.looked("disk", false, "NATS's data is not in "+folder+": --data says where it is")
			return
		}
	}
	disk, err := host.NewReader("/").Disk(folder)
	if err != nil {
		e.looked("disk", false, command.OneLine(err))
		return
	}
	e.facts.Host.Disk = &disk
	e.looked("disk", true, folder+": "+bytes(disk.Free)+" of "+bytes(disk.Total)+" free")
}

// upHere reports whether a `hal9 up` answered that runs on this machine: its NATS is in the same process.
func (f *Facts) upHere() bool {
	name, err := os.Hostname()
	return err == nil && slices.ContainsFunc(f.Processes, func(p Process) bool {
		return len(p.Layers) == len(layers.Names()) && strings.HasPrefix(p.Name, name+"/")
	})
}
