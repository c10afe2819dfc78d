package tactical

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/2lab-ai/hal9/layers"
)

// planCase is everything that a plan is made from.
type planCase struct {
	situation *layers.Situation
	signal    *layers.Signal
	present   *remembered // the situation as it will be remembered
	earlier   *remembered // the same situation at its earlier revision, or nil
	playbooks []*Playbook // those that apply, in order of priority
	recalled  []recalled  // similar situations, the most similar first
}

// recalls returns the recalled situations as they leave the system.
func (c *planCase) recalls() []layers.Recall {
	var all []layers.Recall
	for _, r := range c.recalled {
		all = append(all, layers.Recall{
			SituationID: r.ID,
			Similarity:  math.Round(r.similarity*1e4) / 1e4,
			Outcome:     r.outcome(),
		})
	}
	return all
}

// propose makes the plan, or returns nil where there is nothing to make it from. It notes
// in c.present where the steps come from.
func (l *Layer) propose(c *planCase) *layers.Plan {
	if len(c.playbooks) == 0 && len(c.recalled) == 0 {
		return nil
	}
	plan := &layers.Plan{
		ID:          planID(c.situation.ID, c.present.Revision),
		Event:       layers.PlanProposed,
		SituationID: c.situation.ID,
		Revision:    c.present.Revision,
		Key:         c.situation.Key,
		Severity:    c.situation.Severity,
		Recalled:    c.recalls(),
		ProposedAt:  c.signal.Time,
		Reasons:     changes(c),
	}
	if len(c.playbooks) > 0 {
		fromPlaybooks(plan, c)
	} else {
		l.fromMemory(plan, c)
	}
	plan.Reasons = append(plan.Reasons, experience(c, plan.Playbook)...)
	for _, r := range c.recalled {
		plan.Reasons = append(plan.Reasons, fmt.Sprintf("It resembles %s.", r.naming(c.present)))
	}
	return plan
}

// planID names the plan for one revision of a situation: the same cause gives the same id.
func planID(situationID string, revision int) string {
	sum := sha256.Sum256([]byte(situationID + "\x00" + strconv.Itoa(revision)))
	return "plan-" + hex.EncodeToString(sum[:8])
}

// fromPlaybooks fills in the steps of all playbooks that apply, each step once.
func fromPlaybooks(plan *layers.Plan, c *planCase) {
	first := c.playbooks[0]
	plan.Playbook, plan.Title = first.Name, first.title()
	c.present.Playbook = first.Name
	for _, p := range c.playbooks {
		for _, step := range p.Steps {
			if !slices.Contains(plan.Steps, step) {
				plan.Steps = append(plan.Steps, step)
			}
		}
		addActions(plan, p)
		plan.Reasons = append(plan.Reasons, fmt.Sprintf("Playbook %s applies: %s holds.", p.Name, p.When))
	}
}

// addActions adds what the playbook does, what others do as well once.
func addActions(plan *layers.Plan, p *Playbook) {
	for _, a := range p.Actions {
		action := a.planned(p.Name)
		if !slices.ContainsFunc(plan.Actions, func(b layers.Action) bool { return sameEffect(&action, &b) }) {
			plan.Actions = append(plan.Actions, action)
		}
	}
}

// fromMemory fills in the steps that were planned for a similar situation: the most similar of those that they helped, else of those of
// which nothing is known; where none had any, the step is to compare.
func (l *Layer) fromMemory(plan *layers.Plan, c *planCase) {
	c.present.FromMemory = true
	if r, p := l.example(c.recalled); p != nil {
		c.present.Playbook = p.Name
		plan.Title = fmt.Sprintf("As for %s: %s", brief(r.ID), p.title())
		plan.Steps = slices.Clone(p.Steps)
		reason := fmt.Sprintf("No playbook applies; the steps are those of playbook %s, planned for %s (similarity %.2f)", p.Name, brief(r.ID), r.similarity)
		if r.merit() == meritHelped {
			reason += ": last time this helped"
		}
		plan.Reasons = append(plan.Reasons, reason+".")
		return
	}
	nearest := c.recalled[0]
	plan.Title = "Compare with " + nearest.ID
	plan.Steps = []string{fmt.Sprintf("Look up what ended situation %s (%q) and whether it helps here.", nearest.ID, nearest.Title)}
	plan.Reasons = append(plan.Reasons, "No playbook applies, and none that helped is known of what is remembered.")
}

// example returns the recalled situation whose playbook is to be followed, with the playbook; what did not help is not followed.
func (l *Layer) example(all []recalled) (recalled, *Playbook) {
	for _, wanted := range []merit{meritHelped, meritUnknown} {
		for _, r := range all {
			if p := l.playbook(r.Playbook); p != nil && r.merit() == wanted {
				return r, p
			}
		}
	}
	return recalled{}, nil
}

// experience says what following the plan's playbook led to before, as far as that is known.
func experience(c *planCase, playbook string) []string {
	var all []string
	for _, r := range c.recalled {
		if r.Playbook != playbook || playbook == "" {
			continue
		}
		switch r.merit() {
		case meritHelped:
			all = append(all, fmt.Sprintf("Last time this helped: playbook %s for %s (similarity %.2f).", playbook, brief(r.ID), r.similarity))
		case meritUseless:
			all = append(all, fmt.Sprintf("Last time this did not help: playbook %s for %s (similarity %.2f).", playbook, brief(r.ID), r.similarity))
		}
	}
	return all
}

// playbook returns the configured playbook of the name, or nil.
func (l *Layer) playbook(name string) *Playbook {
	for i := range l.playbooks {
		if l.playbooks[i].Name == name {
			return &l.playbooks[i].Playbook
		}
	}
	return nil
}
