package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/2lab-ai/hal9/internal/host"
	"github.com/2lab-ai/hal9/layers"
)

// Status is what runs in this process and around it.
type Status struct {
	Version       string
	Commit        string
	StartedAt     time.Time
	NATSURL       string // may be a list, separated by commas; without credentials, since it is shown as it is
	NATSConnected bool
	Layers        []LayerStatus // from the lowest to the highest
	Objectives    []Objective   // as L5 last reported them, where this process knows
	// Whole is set where the figures of the layers are those of all processes; nil where they are this process's own.
	Whole   *Whole
	Process *Process // nil where nobody says
}

// Process is the process itself.
type Process struct {
	Name       string      `json:"name"`           // among all on one NATS: host/pid/token
	Role       string      `json:"role,omitempty"` // what it is, where it is neither web nor runs layers: scaler
	Host       string      `json:"host"`
	PID        int         `json:"pid"`
	Now        time.Time   `json:"now"` // by its clock
	Goroutines int         `json:"goroutines"`
	Memory     host.Memory `json:"memory"`
}

// Whole is what all processes together have done, as far as NATS keeps it.
type Whole struct {
	Known bool
	Open  *uint64 // situations; nil where that is not known
	Plans uint64
	Dead  uint64 // letters
}

// Staff is who works on a layer, in any process.
type Staff struct{ Processes int }

// Objective is how a goal stands.
type Objective struct {
	Name      string   `json:"objective"`
	Target    float64  `json:"target"` // share of good that is wanted
	WindowUS  int64    `json:"window_us"`
	Good      uint64   `json:"good"`
	Total     uint64   `json:"total"`
	Remaining float64  `json:"budget_remaining"` // share of the error budget: 1 full, 0 spent, below 0 overspent
	BurnRate  float64  `json:"burn_rate"`
	Firing    []string `json:"alerts_firing"` // names of burn-rate alerts
}

// LayerStatus is how one layer stands.
type LayerStatus struct {
	Layer   layers.Name
	Running bool   // in this process; where the whole is shown, in any
	Queue   *Queue // nil where unknown, as where another process measures it
	Staff   *Staff // nil where unknown, and where one process shows itself
	// Partitions is nil where any number of processes share one, and where one process shows itself and the layer runs elsewhere.
	Partitions *Partitions
	// Signals counts this process's decisions since its start; where the whole is shown, what the verdicts in NATS tell.
	Signals map[layers.Disposition]uint64
}

// Queue is what waits in front of a layer.
type Queue struct {
	Depth     uint64
	OldestAge time.Duration // 0 where nothing waits
}

// Partitions is a share of a layer.
type Partitions struct {
	Owned int // by this process; where the whole is shown, by any that lives
	All   int
}

// in is how many signals the layer decided.
func (l LayerStatus) in() (sum uint64) {
	for _, n := range l.Signals {
		sum += n
	}
	return sum
}

// out is how many signals the layer handed up.
func (l LayerStatus) out() uint64 { return l.Signals[layers.DispositionEscalated] }

// compression is signals in divided by signals out; ok is false while nothing went out.
func (l LayerStatus) compression() (ratio float64, ok bool) {
	if l.out() == 0 {
		return 0, false
	}
	return float64(l.in()) / float64(l.out()), true
}

// statusBody is Status as /v1/status shows it.
type statusBody struct {
	Version   string      `json:"version"`
	Commit    string      `json:"commit"`
	StartedAt time.Time   `json:"started_at"`
	UptimeUS  int64       `json:"uptime_us"`
	Ready     bool        `json:"ready"`
	Checks    []Check     `json:"checks"`
	NATS      natsBody    `json:"nats"`
	Whole     *wholeBody  `json:"whole,omitempty"` // where the layers' figures are those of all processes
	Layers    []layerBody `json:"layers"`

	Objectives []Objective `json:"objectives,omitempty"`
	Process    *Process    `json:"process,omitempty"`
}

// wholeBody is Whole as /v1/status shows it: null and zeros where it is not known.
type wholeBody struct {
	Known bool    `json:"known"`
	Open  *uint64 `json:"situations_open"` // null where unknown: NATS has dropped the oldest
	Plans uint64  `json:"plans_proposed"`
	Dead  uint64  `json:"dead_letters"`
}

type natsBody struct {
	URL       string `json:"url"`
	Connected bool   `json:"connected"`
}

type layerBody struct {
	Layer       layers.Name                   `json:"layer"`
	Title       string                        `json:"title"`
	Running     bool                          `json:"running"`
	QueueDepth  *uint64                       `json:"queue_depth"`                // null where unknown
	OldestAgeUS *int64                        `json:"oldest_age_us"`              // null where unknown
	Processes   *int                          `json:"processes,omitempty"`        // where the whole is shown and they are known
	Owned       *int                          `json:"partitions_owned,omitempty"` // by this process, or by any where the whole is shown
	Partitions  *int                          `json:"partitions,omitempty"`
	In          uint64                        `json:"signals_in"`
	Out         uint64                        `json:"signals_out"`
	Compression *float64                      `json:"compression"` // in / out; null while nothing went out
	Signals     map[layers.Disposition]uint64 `json:"signals"`
}

func newLayerBody(l LayerStatus) layerBody {
	body := layerBody{
		Layer: l.Layer, Title: l.Layer.Title(), Running: l.Running,
		In: l.in(), Out: l.out(), Signals: make(map[layers.Disposition]uint64),
	}
	for _, d := range layers.Dispositions() {
		body.Signals[d] = l.Signals[d]
	}
	if l.Queue != nil {
		age := l.Queue.OldestAge.Microseconds()
		body.QueueDepth, body.OldestAgeUS = &l.Queue.Depth, &age
	}
	if l.Partitions != nil {
		body.Owned, body.Partitions = &l.Partitions.Owned, &l.Partitions.All
	}
	if l.Staff != nil {
		body.Processes = &l.Staff.Processes
	}
	if ratio, ok := l.compression(); ok {
		body.Compression = &ratio
	}
	return body
}

// look asks for status and readiness within CheckTimeout.
func (s *Server) look(r *http.Request) (Status, []Check) {
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.CheckTimeout)
	defer cancel()
	return s.deps.Status(ctx), s.readiness(ctx)
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusOK, s.statusBody(s.look(r)))
	return nil
}

func (s *Server) statusBody(st Status, checks []Check) statusBody {
	body := statusBody{
		Version: st.Version, Commit: st.Commit, StartedAt: st.StartedAt.UTC(),
		UptimeUS: s.deps.Now().Sub(st.StartedAt).Microseconds(),
		Ready:    passed(checks), Checks: checks,
		NATS:   natsBody{URL: st.NATSURL, Connected: st.NATSConnected},
		Layers: make([]layerBody, 0, len(st.Layers)), Objectives: st.Objectives, Process: st.Process,
	}
	if st.Whole != nil {
		whole := wholeBody(*st.Whole)
		body.Whole = &whole
	}
	for _, l := range st.Layers {
		body.Layers = append(body.Layers, newLayerBody(l))
	}
	return body
}

// told answers with what L5 told last, null where it has told nothing.
func (s *Server) told(ask func(context.Context) (json.RawMessage, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), s.cfg.CheckTimeout)
		defer cancel()
		body, err := ask(ctx)
		if err != nil {
			return refuse(http.StatusServiceUnavailable, "what L5 told last can't be read now: %s", err)
		}
		writeJSON(w, http.StatusOK, body)
		return nil
	}
}
