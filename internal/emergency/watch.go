package emergency

import (
	"context"
	"time"

	"github.com/2lab-ai/hal9/internal/kube"
)

// Progress is how far a layer is.
type Progress struct {
	Layer  string      `json:"layer"`
	Wanted int         `json:"wanted"`
	Made   int         `json:"made"`
	Ready  int         `json:"ready"`
	Holds  []kube.Hold `json:"holds,omitempty"`
	Error  string      `json:"error,omitempty"` // why it is not known
}

// Done reports whether all pods are ready.
func (p *Progress) Done() bool { return p.Error == "" && p.Ready >= p.Wanted }

// watchPeriod is the time between looks at the pods: each is one run of kubectl, or two.
const watchPeriod = 2 * time.Second

// Watch looks at the pods until all are ready, time is up or ctx ends, and tells of each look. It returns the last one.
func (d *Draft) Watch(ctx context.Context, c kube.Client, timeout time.Duration, told func([]Progress)) []Progress {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(watchPeriod)
	defer ticker.Stop()
	var last []Progress
	for {
		if now := d.progress(ctx, c); ctx.Err() == nil || last == nil {
			last = now
			told(now)
		}
		if allDone(last) {
			return last
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return explain(context.WithoutCancel(ctx), c, last)
		}
	}
}

// explain adds what crashed pods wrote last.
func explain(ctx context.Context, c kube.Client, last []Progress) []Progress {
	ctx, cancel := context.WithTimeout(ctx, 2*c.Timeout)
	defer cancel()
	for i := range last {
		c.ReadLogs(ctx, last[i].Holds)
	}
	return last
}

func allDone(list []Progress) bool {
	for i := range list {
		if !list[i].Done() {
			return false
		}
	}
	return true
}

func (d *Draft) progress(ctx context.Context, c kube.Client) []Progress {
	scene, err := c.Scene(ctx)
	var list []Progress
	for i := range d.Plans {
		plan := &d.Plans[i]
		if plan.Idle != "" {
			continue
		}
		p := Progress{Layer: plan.Record.Layer, Wanted: plan.Record.Replicas}
		if err != nil {
			p.Error = err.Error()
			list = append(list, p)
			continue
		}
		w, holds := scene.Of(Deployment(plan.Standing.Layer))
		if w == nil {
			p.Error = "its Deployment is gone"
			list = append(list, p)
			continue
		}
		p.Made, p.Ready = w.Status.Replicas, w.Status.ReadyReplicas
		if !p.Done() {
			p.Holds = holds
		}
		list = append(list, p)
	}
	return list
}
