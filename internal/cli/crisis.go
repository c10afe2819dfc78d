package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/emergency"
	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

// Crisis writes what the emergency commands do.
type Crisis struct {
	Screen Screen
	JSON   bool
	Kube   kube.Client
}

// Queues are those of the layers, as far as they are known.
type Queues map[layers.Name]bus.Load

func (c Crisis) line(format string, args ...any) {
	_, _ = fmt.Fprintf(c.Screen.Out, format+"\n", args...) // A terminal that is gone must not stop an emergency half-way.
}

func (c Crisis) red(text string) string    { return c.Screen.paint(text, color.FgRed, color.Bold) }
func (c Crisis) yellow(text string) string { return c.Screen.paint(text, color.FgYellow, color.Bold) }

func (c Crisis) green(text string) string { return c.Screen.paint(text, color.FgGreen, color.Bold) }

// place says which cluster is meant, and as whom.
func (c Crisis) place(p *kube.Place) {
	c.line("cluster    %s, %s", orDash(p.Cluster), orDash(p.Server))
	c.line("context    %s, user %s, namespace %s", orDash(p.Context), orDash(p.User), c.Screen.bold(p.Namespace))
}

// Plan shows before and after.
func (c Crisis) Plan(d *emergency.Draft, queues Queues, yes bool) {
	if yes {
		c.line("%s", c.red("EMERGENCY SCALE"))
	} else {
		c.line("%s: nothing is changed without --yes", c.yellow("EMERGENCY SCALE, dry run"))
	}
	c.place(&d.Place)
	if len(d.Rights) > 0 {
		c.line("rights     all that is needed (%d asked)", len(d.Rights))
	}
	if !d.KEDA {
		c.line("KEDA       %s", c.yellow("not on this cluster: HPAs and Deployments only"))
	}
	c.line("")
	c.line("%s", c.Screen.dim(fmt.Sprintf("%-5s %-11s %5s  %-18s %-18s %8s %6s", "LAYER", "REPLICAS", "READY", "KEDA MIN..MAX", "HPA MIN..MAX", "WAITING", "OLDEST")))
	for i := range d.Plans {
		c.row(&d.Plans[i], queues)
	}
	for i := range d.Plans {
		for _, note := range d.Plans[i].Notes {
			c.line("  %s %s: %s", c.yellow("!"), d.Plans[i].Standing.Layer, note)
		}
	}
	for _, warning := range d.Warnings {
		c.line("  %s %s", c.yellow("!"), warning)
	}
	c.line("")
}

func (c Crisis) row(p *emergency.LayerPlan, queues Queues) {
	row := p.Row()
	waiting, oldest := "?", "?"
	if queue, ok := queues[p.Standing.Layer]; ok {
		waiting, oldest = thousands(int(queue.Depth())), "-"
		if queue.Depth() > 0 {
			oldest = age(queue.Oldest)
		}
	}
	c.line("%-5s %-11s %5d  %-18s %-18s %8s %6s", row.Layer, orDash(row.Replicas), row.Ready, row.KEDA, row.HPA, waiting, oldest)
	if row.Paused != "" {
		c.line("        %s", row.Paused)
	}
	if p.Idle != "" {
		c.line("        %s", c.yellow("nothing to do: "+p.Idle))
	}
}

// Step says what happened to an object.
func (c Crisis) Step(s emergency.Step) {
	if c.JSON {
		return
	}
	if s.Error != "" {
		c.line("%s %s %s: %s", c.red("FAILED   "), s.Kind, s.Name, s.Error)
		return
	}
	c.line("%s %s %s", c.green(fmt.Sprintf("%-9s", clean(s.Did))), s.Kind, s.Name)
}

// Progress says how far the pods are.
func (c Crisis) Progress(list []emergency.Progress, queues Queues, since time.Duration) {
	if c.JSON {
		return
	}
	var parts []string
	for i := range list {
		p := &list[i]
		text := fmt.Sprintf("%s %d of %d ready", p.Layer, p.Ready, p.Wanted)
		if p.Error != "" {
			text = p.Layer + ": " + p.Error
		}
		if layer, err := layers.ParseName(p.Layer); err == nil {
			if queue, ok := queues[layer]; ok {
				text += fmt.Sprintf(", %s waiting", thousands(int(queue.Depth())))
				if queue.Depth() > 0 {
					text += ", oldest " + age(queue.Oldest)
				}
			}
		}
		parts = append(parts, text)
	}
	c.line("%5s  %s", age(since), strings.Join(parts, "; "))
}

// Holds says what holds pods back.
func (c Crisis) Holds(list []emergency.Progress) {
	for i := range list {
		p := &list[i]
		for j := range p.Holds {
			c.hold(p.Layer, &p.Holds[j])
		}
	}
}

func (c Crisis) hold(layer string, h *kube.Hold) {
	count := ""
	if len(h.Pods) > 0 {
		count = plural(len(h.Pods), "pod") + ": "
	}
	c.line("  %s %s %s%s", c.red(strings.ToUpper(string(h.Kind))), layer, count, clean(h.What))
	if h.Detail != "" && !strings.Contains(h.What, h.Detail) {
		c.line("      %s", clip(h.Detail, max(60, c.Screen.Width-7)))
	}
	for _, line := range h.Log {
		c.line("      | %s", clip(line, max(60, c.Screen.Width-9)))
	}
	c.line("      > %s", emergency.Advice(h, c.Kube))
}

// Back says how to go back.
func (c Crisis) Back(d *emergency.Draft, restore string) {
	until := time.Time{}
	for i := range d.Plans {
		if d.Plans[i].Idle == "" {
			until = d.Plans[i].Record.Until
		}
	}
	c.line("")
	c.line("the way back, at the latest %s:", c.Screen.bold(until.Local().Format("15:04 on 2 January")))
	c.line("  > %s", restore)
	c.line("  record %s", d.Path)
	c.line("  script %s", emergency.ScriptPath(d.Path))
}

// Active says which emergencies are under way.
func (c Crisis) Active(r *emergency.Record, now time.Time) error {
	if c.JSON {
		return writeJSON(c.Screen.Out, r)
	}
	if len(r.Layers) == 0 {
		c.line("no emergency is under way in namespace %s of %s", r.Place.Namespace, cmp.Or(r.Place.Server, "this cluster"))
		return nil
	}
	for i := range r.Layers {
		l := &r.Layers[i]
		state := c.yellow("until " + l.Until.Local().Format("15:04 on 2 January"))
		if l.Expired(now) {
			state = c.red("expired " + age(now.Sub(l.Until)) + " ago: restore it")
		}
		c.line("%s  %d replicas since %s ago, by %s, %s", c.Screen.bold(l.Layer), l.Replicas, age(now.Sub(l.At)), clean(l.By), state)
		for j := range l.Changes {
			for _, f := range l.Changes[j].Fields {
				c.line("    %s %s: %s, was %s", l.Changes[j].Name, f.Name(), f.After, f.Before)
			}
		}
	}
	c.line("  > hal9 emergency restore%s", c.Kube.Flags())
	return nil
}

// Way shows the way back.
func (c Crisis) Way(w *emergency.Way, yes bool) error {
	if c.JSON {
		if yes {
			return nil
		}
		return writeJSON(c.Screen.Out, struct {
			Record string              `json:"record,omitempty"`
			Fields []emergency.WayItem `json:"fields"`
			DryRun bool                `json:"dry_run"`
		}{w.Path, w.Items, true})
	}
	if yes {
		c.line("%s", c.Screen.bold("EMERGENCY RESTORE"))
	} else {
		c.line("%s: nothing is changed without --yes", c.yellow("EMERGENCY RESTORE, dry run"))
	}
	c.place(&w.Record.Place)
	from := "on the objects themselves"
	if len(w.Filed) > 0 {
		from += "; of " + strings.Join(w.Filed, ", ") + " in " + w.Path
	}
	c.line("record     %s", from)
	c.line("")
	for _, item := range w.Items {
		c.line("%s %-18s %-30s %s", item.Layer, item.Name, item.Field, c.state(&item))
	}
	c.line("")
	scaled := slices.ContainsFunc(w.Items, func(i emergency.WayItem) bool {
		return i.Kind != emergency.KindDeployment && i.State == emergency.BackDo // There is an autoscaler.
	})
	if scaled && !kept(w) {
		c.line("%s", c.Screen.dim("pods go at once; --keep-replicas lets the autoscaler take them away at its own pace"))
	}
	return nil
}

func (c Crisis) state(item *emergency.WayItem) string {
	now, before := string(item.Now), string(item.Before)
	if item.Before == emergency.Absent {
		before = "none"
	}
	switch item.State {
	case emergency.BackKept:
		return now + c.Screen.dim(" (left to the autoscaler)")
	case emergency.BackDo, emergency.BackMoved:
		return c.Screen.bold(now + " -> " + before)
	case emergency.BackDone:
		return c.Screen.dim(now + " (as before)")
	case emergency.BackGone:
		return c.yellow("gone, or another object: left alone")
	default:
		return c.red(now + ": somebody changed it meanwhile (before the emergency " + before + ")")
	}
}

// kept reports whether the number of pods is left to the autoscaler.
func kept(w *emergency.Way) bool {
	return slices.ContainsFunc(w.Items, func(i emergency.WayItem) bool { return i.State == emergency.BackKept })
}

// Restored says what came of restoring; failed is why it ended half-way.
func (c Crisis) Restored(w *emergency.Way, failed error) error {
	if c.JSON {
		return errors.Join(writeJSON(c.Screen.Out, struct {
			Record   string              `json:"record,omitempty"`
			Fields   []emergency.WayItem `json:"fields"`
			Restored bool                `json:"restored"` // whether it ended well, and nothing had to be left alone
		}{w.Path, w.Items, failed == nil && len(w.Left) == 0}), failed)
	}
	var left []string
	for _, step := range w.Left {
		left = append(left, string(step.Kind)+" "+step.Name)
	}
	switch {
	case failed != nil:
	case len(left) > 0:
		c.line("%s", c.yellow("what is still there is as it was before the emergency; left alone: "+strings.Join(left, ", ")))
	case kept(w):
		c.line("%s", c.green("everything is as it was before the emergency, but for the number of pods: the autoscaler moves that"))
	default:
		c.line("%s", c.green("everything is as it was before the emergency"))
	}
	return failed
}
