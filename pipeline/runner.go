package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/2lab-ai/hal9/layers"
)

// ErrLeaseLost ends a stage whose partition belongs to another process by now. Leases cancel
// the context that Hold hands out with it.
var ErrLeaseLost = errors.New("pipeline: the lease was lost")

// Deps is what stages work with; all but Pressure and Scouting is required.
type Deps struct {
	Broker      Broker
	Checkpoints Checkpoints
	Leases      Leases
	Observer    Observer
	Pressure    Pressure // nil where nobody holds back
	Scouting    Scouting // nil where nobody scouts
	Log         *slog.Logger
	Now         func() time.Time
}

// Spec says what a stage does: NewLayer is called for every life of the stage, so that it
// starts from its checkpoint and not from what a failed life left behind.
type Spec struct {
	Key      StageKey
	NewLayer func() (layers.Layer, error)
	Decoder  Decoder
	// Mark says what L5 is to count of a signal; asked at L1, which sees all of it. Nil where that is nothing.
	Mark func(*layers.Signal) []layers.Mark
	// Tally is set instead of NewLayer and Decoder where the stage feeds objectives.
	Tally func() (Tally, error)
}

// Runner keeps one stage alive.
type Runner struct {
	spec  Spec
	cfg   Config
	deps  Deps
	state atomic.Pointer[string]
	up    atomic.Bool   // consumes
	waits atomic.Bool   // stands by until this process owns the stage
	works atomic.Bool   // consumes
	born  time.Time     // turn counts from here, and by the monotonic clock: the wall's may jump
	turn  atomic.Int64  // when the stage turned last, nanoseconds since born
	told  atomic.Uint64 // up to which message the Observer was told

	pace, speed pace // of the last life; the goroutine of Run alone knows
}

// NewRunner returns the runner of a stage.
func NewRunner(spec Spec, cfg Config, deps Deps) (*Runner, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if (spec.NewLayer == nil) == (spec.Tally == nil) {
		return nil, fmt.Errorf("pipeline: stage %s needs either a layer or a tally", spec.Key.Name())
	}
	r := &Runner{spec: spec, cfg: cfg, deps: deps, born: time.Now()}
	r.say("starting")
	return r, nil
}

// Key says which stage it is.
func (r *Runner) Key() StageKey { return r.spec.Key }

// State says in words what the stage does, and whether it consumes or stands by rightly.
func (r *Runner) State() (text string, ok bool) {
	if r.waits.Load() {
		return r.deps.Leases.Standing(r.spec.Key.Name())
	}
	return *r.state.Load(), r.up.Load()
}

// Working reports whether the stage consumes in this process now.
func (r *Runner) Working() bool { return r.works.Load() }

// Stuck returns for how long the stage has been at one and the same burst; 0 while it does not
// consume. A stage turns at least once in TickEvery, and a burst takes no longer than the broker's
// timeouts: minutes mean that a layer hangs.
func (r *Runner) Stuck() time.Duration {
	if !r.works.Load() {
		return 0
	}
	return time.Since(r.born) - time.Duration(r.turn.Load())
}

func (r *Runner) beat() { r.turn.Store(int64(time.Since(r.born))) }

func (r *Runner) say(text string) { r.state.Store(&text) }

// Run keeps the stage alive until ctx ends, through failures of the broker and of the stage
// itself, and returns when everything it took is settled. The error says what could not be
// settled in time; it is delivered again to whoever comes next.
func (r *Runner) Run(ctx context.Context) error {
	delay := r.cfg.RestartDelay
	for {
		began := r.deps.Now()
		err := r.live(ctx)
		r.up.Store(false)
		if ctx.Err() != nil {
			r.say("stopped")
			if err == nil || isEnd(ctx, err) {
				return nil
			}
			return fmt.Errorf("pipeline: stage %s: %w", r.spec.Key.Name(), err)
		}
		if r.deps.Now().Sub(began) > time.Minute {
			delay = r.cfg.RestartDelay
		}
		r.say("restarting: " + errText(err))
		r.deps.Observer.Restarted(r.spec.Key.Layer)
		r.deps.Log.WarnContext(ctx, "stage starts again", "stage", r.spec.Key.Name(), "after", delay, "error", err)
		if Pause(ctx, delay) != nil {
			continue
		}
		delay = min(2*delay, 64*r.cfg.RestartDelay)
	}
}

// isEnd reports whether a stage ended with err because it was told to, or since others have what it had in its hands.
func isEnd(ctx context.Context, err error) bool {
	for _, end := range []error{context.Canceled, context.Cause(ctx), ErrLeaseLost, errOverdue} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// live is one life of the stage, or one after the other where it comes and goes with its lease.
func (r *Runner) live(ctx context.Context) error {
	if r.spec.Key.Shared() {
		return r.deps.Leases.Attend(ctx, r.work)
	}
	r.waits.Store(true)
	defer r.waits.Store(false)
	return r.deps.Leases.Hold(ctx, r.spec.Key.Name(), func(ctx context.Context, own Ownership) error {
		r.say("opening")
		r.waits.Store(false)
		err := r.work(ctx, own)
		r.up.Store(false)
		r.waits.Store(true)
		if errors.Is(context.Cause(ctx), ErrLeaseLost) {
			r.deps.Observer.Restarted(r.spec.Key.Layer)
		}
		return err
	})
}

// work is one time of consuming.
func (r *Runner) work(ctx context.Context, own Ownership) error {
	r.up.Store(false)
	r.say("opening")
	r.beat()
	w, err := r.newWorker()
	if err != nil {
		return err
	}
	s := &stage{key: r.spec.Key, cfg: r.cfg, deps: r.deps, worker: w, valid: own.Valid, opened: func() {
		r.say("consuming " + r.spec.Key.Stream())
		r.up.Store(true)
		r.works.Store(true)
	}, beat: r.beat, told: &r.told, watch: newWatch(r.spec.Key.Layer, r.cfg), pace: r.pace, speed: r.speed}
	defer r.works.Store(false)
	defer s.forget()
	done := make(chan error, 1)
	go func() {
		err := errors.New("pipeline: the layer ended its goroutine")
		defer func() { done <- err }()
		err = s.run(ctx)
	}()
	select {
	case err := <-done:
		r.pace, r.speed = s.pace, s.speed
		return err
	case at := <-s.watch.hung: // Nobody can end a goroutine that does not listen: it is not waited for.
		return s.hangs(context.WithoutCancel(ctx), at)
	}
}

func (r *Runner) newWorker() (worker, error) {
	if r.spec.Tally != nil {
		tally, err := r.spec.Tally()
		if err != nil {
			return nil, err
		}
		return &tallyWorker{tally: tally}, nil
	}
	layer, err := r.spec.NewLayer()
	if err != nil {
		return nil, err
	}
	return &layerWorker{key: r.spec.Key, cfg: r.cfg, deps: r.deps, layer: layer, decoder: r.spec.Decoder, mark: r.spec.Mark, near: map[string]struct{}{}}, nil
}

func errText(err error) string {
	if err == nil {
		return "it ended"
	}
	return err.Error()
}

// OneLine makes text fit for a header: line breaks and control characters become spaces, and
// a very long text is cut.
func OneLine(text string) string {
	const most = 1000
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
