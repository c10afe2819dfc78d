package consensus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/outbound"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// The states of an action beside those of layers.ActionState.
const (
	actionBegun   layers.ActionState = "begun"   // somebody is at it, or was when the process died
	actionRefused layers.ActionState = "refused" // the target did not take it; it may be tried again
)

// claimPatience is how long an action that has begun is left to whoever began it. An attempt takes less.
const claimPatience = 20 * time.Second

// sendPatience is how long after its claim an action may still be sent: where a process stood still in between, somebody else may soon hold that it
// ended. An attempt ends by attemptPatience after the claim.
const (
	attemptPatience = claimPatience - 2*time.Second
	sendPatience    = attemptPatience - outbound.AttemptTime
)

// errLate says that an action was claimed and not sent.
var errLate = errors.New("consensus: the process stood still between claim and request: nothing was sent")

// errRefused says that a target did not take an action.
var errRefused = errors.New("consensus: the target did not take the action")

// actionState is what the register says about an action.
type actionState struct {
	layers.ActionResult
	revision uint64
}

func (s *actionState) ended() bool {
	switch s.State {
	case layers.ActionDone, layers.ActionFailed, layers.ActionUnknown:
		return true
	default:
		return false
	}
}

// act does action n, unless it was done or must not be done any more, and returns how it ended. An error says that it has not ended yet.
func (r *errand) act(ctx context.Context, n int) (actionState, error) {
	s, err := r.lookUp(ctx, n)
	if err != nil || s.ended() {
		return s, err
	}
	now := r.council.deps.Now()
	council := &r.council.cfg.Council
	switch {
	case s.State == actionBegun && now.Sub(s.At) < claimPatience:
		return s, r.later(claimPatience-now.Sub(s.At), fmt.Errorf("%w: action %d is under way", errLater, n))
	case s.State == actionBegun:
		return r.settle(ctx, s, layers.ActionUnknown, s.By+" ended while it was at it, so it may have been done: it is not done again")
	case s.State == actionRefused && s.Attempts >= council.Attempts:
		return r.settle(ctx, s, layers.ActionFailed, s.Error)
	case now.Sub(r.made.At) > council.Within:
		reason := fmt.Sprintf("not taken within %s", council.Within)
		if s.Error != "" {
			reason += ": " + s.Error
		}
		return r.settle(ctx, s, layers.ActionFailed, reason)
	}
	return r.try(ctx, s)
}

// lookUp reads what is known of action n.
func (r *errand) lookUp(ctx context.Context, n int) (actionState, error) {
	s := actionState{ActionResult: layers.ActionResult{Action: n}}
	if !r.again && !r.begun() {
		return s, nil
	}
	entry, ok, err := r.council.register.Get(ctx, keyOfAction(r.plan.ID, n))
	if err != nil || !ok {
		return s, err
	}
	s.revision = entry.Revision
	return s, decode(entry, &s.ActionResult)
}

// write stores the next state of an action, by compare-and-set.
func (r *errand) write(ctx context.Context, s actionState) (actionState, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	s.By, s.At = r.council.cfg.Process, r.council.deps.Now().UTC()
	var err error
	s.revision, err = r.council.register.Update(ctx, keyOfAction(r.plan.ID, s.Action), encode(&s.ActionResult), s.revision)
	if errors.Is(err, bus.ErrTaken) {
		return s, fmt.Errorf("%w: somebody else is at action %d", errLater, s.Action)
	}
	return s, err
}

// settle stores how an action ended.
func (r *errand) settle(ctx context.Context, s actionState, state layers.ActionState, reason string) (actionState, error) {
	s.State, s.Error = state, reason
	s, err := r.write(ctx, s)
	if err == nil {
		r.council.deps.Observer.Acted(state)
	}
	return s, err
}

// begun reports whether an action of the plan was begun here before, and notes that one is now.
func (r *errand) begun() bool {
	r.council.mu.Lock()
	defer r.council.mu.Unlock()
	before := r.docket.begun
	r.docket.begun = true
	return before
}

// try makes one attempt. Once the register says that it has begun nobody else can begin it.
func (r *errand) try(ctx context.Context, s actionState) (actionState, error) {
	action := &r.plan.Actions[s.Action-1]
	s.Attempts++
	if action.Note != "" {
		return r.settle(ctx, s, layers.ActionDone, "") // To record it is to do it.
	}
	body, err := r.body(s.Action)
	if err != nil {
		return s, err
	}
	s.State = actionBegun
	outcome, claim := outbound.ErrUnknown, errLater
	err = r.council.targets.Guard(action.Webhook+action.Publish, r.msg, func() error {
		claimed := time.Now()
		if s, claim = r.write(ctx, s); claim != nil {
			return nil
		}
		start := time.Now()
		passed := max(start.Sub(claimed), r.council.deps.Now().Round(0).Sub(s.At)) // Some standstills only the wall clock notices.
		if passed > sendPatience {
			outcome = errLate
			return nil // It is not the target's fault.
		}
		ctx, cancel := context.WithTimeout(ctx, attemptPatience-passed)
		defer cancel()
		outcome = r.reach(ctx, action, body, s.Action)
		s.TookUS = time.Since(start).Microseconds()
		return outcome
	})
	switch {
	case claim == nil:
		return r.record(ctx, s, outcome)
	case err != nil:
		return s, err // The target is left alone.
	default:
		return s, claim
	}
}

func (r *errand) reach(ctx context.Context, action *layers.Action, body []byte, n int) error {
	key := idempotencyKey(r.plan.ID, n)
	if action.Webhook != "" {
		return r.council.targets.Post(ctx, action.Webhook, body, key)
	}
	return r.council.targets.Send(ctx, action.Publish, body, key)
}

// record stores what came of an attempt. It does so even where the process is to stop, since nothing else knows of it.
func (r *errand) record(ctx context.Context, s actionState, attempt error) (actionState, error) {
	ctx = context.WithoutCancel(ctx)
	s.Error = ""
	if attempt != nil {
		s.Error = attempt.Error()
	}
	switch {
	case attempt == nil:
		s.State = layers.ActionDone
	case errors.Is(attempt, outbound.ErrUnknown):
		s.State = layers.ActionUnknown
	case layers.IsPermanent(attempt), s.Attempts >= r.council.cfg.Council.Attempts:
		s.State = layers.ActionFailed
	default:
		s.State = actionRefused
	}
	var err error
	for range recordTries {
		var written actionState
		if written, err = r.write(ctx, s); err == nil || errors.Is(err, errLater) {
			s = written
			break
		}
		_ = pipeline.Pause(ctx, againWait)
	}
	if err != nil {
		return s, fmt.Errorf("consensus: what came of action %d can't be stored: %w", s.Action, err)
	}
	if s.ended() {
		r.council.deps.Observer.Acted(s.State)
		return s, nil
	}
	if later, ok := errors.AsType[*outbound.LaterError](attempt); ok && later.After > 0 {
		return s, r.later(later.After, fmt.Errorf("%w: %w", errLater, attempt))
	}
	return s, fmt.Errorf("%w: %w", errRefused, attempt)
}

// recordTries is how often storing what came of an attempt is tried.
const recordTries = 5

// later has the proposal delivered again after a time.
func (r *errand) later(after time.Duration, why error) error {
	r.delivery.DelayNack(after)
	return why
}
