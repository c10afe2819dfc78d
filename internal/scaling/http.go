package scaling

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// aliveTime is how long a scaler may do nothing, neither decide nor hear of a decision, while it is connected to NATS.
const aliveTime = time.Minute

// Handler serves /metrics, /healthz and /readyz.
func (s *Scaler) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		quiet := time.Since(time.Unix(0, s.beat.Load()))
		answer(w, []Check{{"scaler", quiet < aliveTime || !s.bus.Connected(), "last did something " + quiet.Round(time.Second).String() + " ago"}})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.Ready()) })
	return mux
}

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// Ready says what there is to serve. A scaler that can say why it does not know is as ready as one that knows: the error is what KEDA needs.
func (s *Scaler) Ready() (checks []Check) {
	for _, layer := range layers.Names() {
		c := Check{Name: layer.String(), OK: true}
		if d, err := s.board.Decision(layer); err != nil {
			c.OK, c.Detail = s.board.heard(layer), err.Error()
		} else {
			c.Detail = d.Reason
		}
		checks = append(checks, c)
	}
	return checks
}

// heard reports whether anything is known of a layer, be it why nothing is.
func (b *Board) heard(layer layers.Name) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.layers[layer]
	return !n.seen.IsZero() || n.trouble != nil
}

func answer(w http.ResponseWriter, checks []Check) {
	status, code := "ok", http.StatusOK
	for _, c := range checks {
		if !c.OK {
			status, code = "failing", http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(struct { // Who asked is gone where this fails.
		Status string  `json:"status"`
		Checks []Check `json:"checks"`
	}{status, checks})
}
