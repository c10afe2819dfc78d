// Package tactical is layer 4: what do we do? It gives each situation that climbs to it a
// plan, made from the playbooks whose condition holds and from similar situations that it
// remembers, and says for every part of the plan why. A situation of a known kind with a playbook
// and below critical is answered here; everything else is handed up.
//
// The layer proposes: it announces plans as "proposed", and their situations once more, with the plan and what is recalled. Its memory is bounded
// and belongs to the instance, so it holds what reached this instance's partition.
package tactical

import (
	"context"
	"errors"
	"slices"

	"github.com/2lab-ai/hal9/layers"
)

// Layer is layer 4. It implements layers.Layer and layers.Keeper.
type Layer struct {
	cfg       Config
	playbooks []compiled
	memory    *memory
}

// New returns the layer with an empty memory. Its error names everything that is wrong with
// cfg, the playbooks' conditions included.
func New(cfg Config, compile layers.Compiler[layers.Situation]) (*Layer, error) {
	playbooks, err := compilePlaybooks(cfg.Playbooks, compile)
	if err := errors.Join(cfg.Validate(), err); err != nil {
		return nil, err
	}
	l := &Layer{cfg: cfg, playbooks: playbooks}
	l.memory = l.emptyMemory()
	return l, nil
}

func (l *Layer) emptyMemory() *memory {
	return newMemory(l.cfg.MaxMemory, newIndex(l.cfg.MinSimilarity, l.cfg.KnownSimilarity))
}

// Decide implements layers.Layer: it plans the situation that the envelope brings and
// remembers it. It never fails.
func (l *Layer) Decide(_ context.Context, e *layers.Envelope) (layers.Decision, error) {
	if e.Findings.Situation == nil {
		return layers.Decision{
			Disposition: layers.DispositionResolved,
			Reason:      "opens and worsens no situation: nothing to plan",
		}, nil
	}
	situation := *e.Findings.Situation // the caller's may be shared with an event that is announced already
	e.Findings.Situation = &situation

	earlier := l.memory.find(situation.ID)
	if earlier != nil && earlier.Revision >= max(situation.Revision, 1) {
		return l.repeat(e, earlier), nil
	}
	present := newRemembered(&situation, messageOf(e))
	if earlier != nil {
		present.Ending = earlier.Ending.again()
	}
	c := &planCase{
		situation: &situation,
		signal:    &e.Signal,
		present:   present,
		earlier:   earlier,
		playbooks: applicable(l.playbooks, &situation),
		recalled:  l.memory.recall(present, l.cfg.MaxRecalled),
	}
	decision := l.decide(c)
	situation.Recalled = c.recalls()
	situation.PlanID, e.Findings.PlanID = present.PlanID, present.PlanID
	l.memory.remember(present)
	if present.PlanID != "" {
		decision.Events = append(decision.Events, layers.Event{Situation: known(&situation)})
	}
	return decision, nil
}

// known is what is announced of a situation once there is a plan for it: this revision, with the plan and what is recalled.
func known(s *layers.Situation) *layers.Situation {
	c := *s
	c.Event = layers.SituationUpdated
	c.MemberIDs, c.Entities, c.Recalled = slices.Clone(s.MemberIDs), slices.Clone(s.Entities), slices.Clone(s.Recalled)
	return &c
}

// decide makes the plan where there is something to make it from, notes in c.present what is
// done, and answers.
func (l *Layer) decide(c *planCase) layers.Decision {
	decision := layers.Decision{Disposition: layers.DispositionEscalated}
	plan := l.propose(c)
	if plan == nil {
		decision.Reason = "no playbook matches and nothing similar is remembered: handed up"
		return decision
	}
	c.present.PlanID = plan.ID
	decision.Events = []layers.Event{{Plan: plan}}
	decision.Disposition, decision.Reason = l.judge(c, plan)
	if decision.Disposition == layers.DispositionResolved {
		c.present.Resolved, decision.Rule = true, plan.Playbook
	}
	return decision
}

// judge says whether the plan is the answer or a proposal to those above, and why.
func (l *Layer) judge(c *planCase, plan *layers.Plan) (layers.Disposition, string) {
	isKnown := len(c.recalled) > 0 && c.recalled[0].similarity >= l.cfg.KnownSimilarity
	failed := isKnown && c.recalled[0].Playbook == plan.Playbook && c.recalled[0].merit() == meritUseless
	critical := max(c.situation.Severity, c.signal.Severity) >= layers.SeverityCritical
	about := plan.ID + " for situation " + brief(c.situation.ID)
	switch {
	case len(c.playbooks) == 0:
		return layers.DispositionEscalated, line("%s rests on memory only, like %s: handed up",
			about, c.recalled[0].naming(c.present))
	case critical:
		return layers.DispositionEscalated, line("%s comes from playbook %s; it is critical: handed up", about, plan.Playbook)
	case failed:
		return layers.DispositionEscalated, line("%s comes from playbook %s, which did not help last time, like %s: handed up",
			about, plan.Playbook, c.recalled[0].naming(c.present))
	case !isKnown:
		return layers.DispositionEscalated, line("%s comes from playbook %s; its kind is new here: handed up",
			about, plan.Playbook)
	default:
		return layers.DispositionResolved, line("%s is the answer of playbook %s to a known kind, like %s",
			about, plan.Playbook, c.recalled[0].naming(c.present))
	}
}

// repeat answers for a situation of which this or a later revision has been planned: as then,
// and without a second plan.
func (l *Layer) repeat(e *layers.Envelope, earlier *remembered) layers.Decision {
	e.Findings.Situation.PlanID, e.Findings.PlanID = earlier.PlanID, earlier.PlanID
	decision := layers.Decision{Disposition: layers.DispositionEscalated}
	if earlier.Resolved {
		decision.Disposition, decision.Rule = layers.DispositionResolved, earlier.Playbook
	}
	done := "found no plan"
	if earlier.PlanID != "" {
		done = earlier.PlanID + " stands"
	}
	decision.Reason = line("situation %s was looked at in revision %d already: %s", brief(earlier.ID), earlier.Revision, done)
	return decision
}
