package emergency

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/2lab-ai/hal9/internal/kube"
)

// LayerPlan is what would happen to a layer.
type LayerPlan struct {
	Standing Standing
	Record   LayerRecord // what will be written down: with what was before the first emergency
	Notes    []string
	Idle     string // why nothing happens; "" where something does
}

// Plan says what is to be done for a layer. known is the record that is kept of it elsewhere, such as in a file.
func Plan(s Standing, o Options, known *LayerRecord, now time.Time) LayerPlan {
	p := LayerPlan{Standing: s}
	name := Deployment(s.Layer)
	if s.Deployment == nil {
		p.Idle = "there is no Deployment " + name
		return p
	}
	if wanted := s.Deployment.Is.Wanted(); wanted > o.Replicas {
		p.Idle = fmt.Sprintf("it has %d replicas already: ask for more with --replicas", wanted)
		return p
	}
	p.Record = LayerRecord{Layer: s.Layer.String(), Replicas: o.Replicas, At: now.UTC().Truncate(time.Second), By: o.By}
	p.Record.Until = p.Record.At.Add(o.For)
	if s.ScaledObject != nil {
		p.addScaledObject(o)
	}
	if s.HPA != nil && (o.Mode == ModeRaise || s.ScaledObject == nil) { // There is nothing to pause without KEDA.
		p.addHPA(o)
	}
	p.addDeployment(o)
	p.keepOriginal(known)
	if manager := s.manager(); manager != "" {
		p.Notes = append(p.Notes, manager+" manages "+name+" and may take this back within minutes: suspend it there first")
	}
	return p
}

func (p *LayerPlan) add(kind Kind, meta *kube.Meta, marked bool, fields ...Field) {
	p.Record.Changes = append(p.Record.Changes, Change{Kind: kind, Name: meta.Name, UID: meta.UID, Fields: fields, Marked: marked})
}

// differing keeps the fields that are to become something else.
func differing(fields ...Field) []Field {
	return slices.DeleteFunc(fields, func(f Field) bool { return f.Before == f.After })
}

// raised returns a field that is to be at least n; where it is not there, it counts as otherwise.
func raised(raw json.RawMessage, n, otherwise int, path ...string) Field {
	f := Field{Path: path, Before: value(raw, path)}
	have := otherwise
	if f.Before != Absent {
		have, _ = strconv.Atoi(string(f.Before)) // The API server lets nothing else in.
	}
	f.After = f.Before
	if have < n {
		f.After = number(n)
	}
	return f
}

func (p *LayerPlan) addScaledObject(o Options) {
	object := &p.Standing.ScaledObject.Object
	at := func(name string) Field {
		f := Field{Path: annotation(name), Before: value(object.Raw, annotation(name))}
		f.After = f.Before
		return f
	}
	pause, all, out := at(pausedReplicas), at(pausedAll), at(pausedOut)
	var fields []Field
	switch {
	case o.Mode == ModePause, pause.Before != Absent:
		pause.After = text(strconv.Itoa(o.Replicas))
		fields = append(fields, pause)
	case all.Before == text("true"):
		p.Notes = append(p.Notes, "KEDA is paused for "+object.Metadata.Name+" ("+pausedAll+"): only the Deployment's replicas count")
	case out.Before != Absent:
		out.After = Absent
		fields = append(fields, out)
	}
	if o.Mode == ModeRaise {
		fields = append(fields,
			raised(object.Raw, o.Replicas, 0, "spec", "minReplicaCount"), raised(object.Raw, o.Replicas, 100, "spec", "maxReplicaCount"))
	}
	p.add(KindScaledObject, &object.Metadata, true, differing(fields...)...)
}

func (p *LayerPlan) addHPA(o Options) {
	object := &p.Standing.HPA.Object
	fields := differing(raised(object.Raw, o.Replicas, 1, "spec", "minReplicas"), raised(object.Raw, o.Replicas, 1, "spec", "maxReplicas"))
	p.add(KindHPA, &object.Metadata, !p.Standing.ownedByKEDA(), fields...)
}

func (p *LayerPlan) addDeployment(o Options) {
	object := &p.Standing.Deployment.Object
	p.add(KindDeployment, &object.Metadata, true, differing(raised(object.Raw, o.Replicas, 1, "spec", "replicas"))...)
}

// keepOriginal puts what was before the first emergency in the place of what is before this one.
func (p *LayerPlan) keepOriginal(known *LayerRecord) {
	first, ok := p.Standing.Record()
	if !ok && known != nil {
		first, ok = *known, true
	}
	if !ok {
		return
	}
	kept := false
	for i := range first.Changes {
		old := &first.Changes[i]
		object := p.Standing.object(old.Kind)
		if object == nil || object.Metadata.Name != old.Name || object.Metadata.UID != old.UID {
			continue // It is gone, or another one by now: there is no way back for it.
		}
		at := slices.IndexFunc(p.Record.Changes, func(c Change) bool { return c.Kind == old.Kind })
		if at < 0 { // It is left alone this time.
			at = len(p.Record.Changes)
			p.add(old.Kind, &object.Metadata, old.Marked)
		}
		kept = kept || len(old.Fields) > 0
		p.keep(&p.Record.Changes[at], old, movable(&first, old))
	}
	slices.SortStableFunc(p.Record.Changes, func(a, b Change) int { return cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)) })
	if kept {
		p.Record.At = first.At
		p.Notes = append(p.Notes, fmt.Sprintf("an emergency is under way since %s: the way back stays the one to before it", first.At.Format("15:04 MST")))
	}
}

// keep takes over what was before an earlier change. A field that is left alone this time stays what it has become,
// whatever the earlier change made of it.
func (p *LayerPlan) keep(c, old *Change, movable bool) {
	for _, f := range old.Fields {
		if at := slices.IndexFunc(c.Fields, func(mine Field) bool { return slices.Equal(mine.Path, f.Path) }); at >= 0 {
			c.Fields[at].Before = f.Before
			continue
		}
		now := value(p.Standing.object(c.Kind).Raw, f.Path)
		if now == f.Before {
			continue
		}
		if now != f.After && !movable {
			p.Notes = append(p.Notes, fmt.Sprintf("%s %s is %s by now, which somebody made of it: it stays, and restoring gives back %s", c.Name, f.Name(), now, f.Before))
		}
		f.After = now
		c.Fields = append(c.Fields, f)
	}
}
