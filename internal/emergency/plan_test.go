package emergency

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

// fields writes what a plan changes.
func fields(p *LayerPlan) (list []string) {
	for _, c := range p.Record.Changes {
		for _, f := range c.Fields {
			list = append(list, fmt.Sprintf("%s %s: %s -> %s", c.Name, f.Name(), f.Before, f.After))
		}
	}
	return list
}

func TestPlans(t *testing.T) {
	t.Parallel()
	raise := []string{
		"hal9-l2 spec.minReplicaCount: 2 -> 20", "hal9-l2 spec.maxReplicaCount: 4 -> 20",
		"keda-hpa-hal9-l2 spec.minReplicas: 2 -> 20", "keda-hpa-hal9-l2 spec.maxReplicas: 4 -> 20", "hal9-l2 spec.replicas: 2 -> 20",
	}
	for _, test := range []struct {
		name   string
		change func(s stage, o *Options)
		want   []string
		note   string
	}{
		{"KEDA", func(stage, *Options) {}, raise, ""},
		{"pause", func(_ stage, o *Options) { o.Mode = ModePause }, []string{
			`hal9-l2 annotation autoscaling.keda.sh/paused-replicas: null -> "20"`, "hal9-l2 spec.replicas: 2 -> 20",
		}, ""},
		{"paused at a number", func(s stage, _ *Options) {
			s.set(KindScaledObject, "hal9-l2", annotation(pausedReplicas), `"5"`)
		}, append([]string{`hal9-l2 annotation autoscaling.keda.sh/paused-replicas: "5" -> "20"`}, raise...), ""},
		{"paused by somebody", func(s stage, _ *Options) {
			s.set(KindScaledObject, "hal9-l2", annotation(pausedAll), `"true"`)
			s.drop(KindHPA, "keda-hpa-hal9-l2")
		}, []string{raise[0], raise[1], raise[4]}, "KEDA is paused for hal9-l2"},
		{"may not scale out", func(s stage, _ *Options) {
			s.set(KindScaledObject, "hal9-l2", annotation(pausedOut), `"true"`)
		}, append([]string{`hal9-l2 annotation autoscaling.keda.sh/paused-scale-out: "true" -> null`}, raise...), ""},
		{"a maximum above it stays, no minimum is 0", func(s stage, _ *Options) {
			s.set(KindScaledObject, "hal9-l2", []string{"spec", "maxReplicaCount"}, "60")
			s.set(KindScaledObject, "hal9-l2", []string{"spec", "minReplicaCount"}, Absent)
			s.set(KindHPA, "keda-hpa-hal9-l2", []string{"spec", "maxReplicas"}, "60")
		}, []string{"hal9-l2 spec.minReplicaCount: null -> 20", raise[2], raise[4]}, ""},
		{"no KEDA, an HPA", func(s stage, _ *Options) { s.drop(KindScaledObject, "hal9-l2") }, raise[2:], ""},
		{"no KEDA, an HPA: there is nothing to pause", func(s stage, o *Options) {
			s.drop(KindScaledObject, "hal9-l2")
			o.Mode = ModePause
		}, raise[2:], ""},
		{"a Deployment alone", func(s stage, _ *Options) {
			s.drop(KindScaledObject, "hal9-l2")
			s.drop(KindHPA, "keda-hpa-hal9-l2")
		}, raise[4:], ""},
		{"GitOps", func(s stage, _ *Options) {
			s.set(KindDeployment, "hal9-l2", []string{"metadata", "labels", "kustomize.toolkit.fluxcd.io/name"}, `"hal9"`)
		}, raise, "Flux manages hal9-l2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, o := recorded(t), wanting(20)
			test.change(stage{c, t}, &o)
			p := Plan(c.Standing(layers.NameL2), o, nil, now)
			if diff := cmp.Diff(test.want, fields(&p)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, test.note) || test.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, test.note)
			}
		})
	}
}

func TestNothingToDo(t *testing.T) {
	t.Parallel()
	c := recorded(t)
	c.with(t, KindDeployment, "hal9-l2", []string{"spec", "replicas"}, "30")
	if p := Plan(c.Standing(layers.NameL2), wanting(20), nil, now); p.Idle != "it has 30 replicas already: ask for more with --replicas" || len(p.Record.Changes) > 0 {
		t.Errorf("%q, %v", p.Idle, fields(&p))
	}
	if p := Plan(c.Standing(layers.NameL5), wanting(20), nil, now); p.Idle != "there is no Deployment hal9-l5" {
		t.Errorf("%q", p.Idle)
	}
}

// TestSecondEmergency keeps what was before the first, whether its record is on the objects or in a file only.
func TestSecondEmergency(t *testing.T) {
	t.Parallel()
	want := []string{
		"hal9-l2 spec.minReplicaCount: 2 -> 40", "hal9-l2 spec.maxReplicaCount: 4 -> 40",
		"keda-hpa-hal9-l2 spec.minReplicas: 2 -> 40", "keda-hpa-hal9-l2 spec.maxReplicas: 4 -> 40", "hal9-l2 spec.replicas: 2 -> 40",
	}
	for _, onObjects := range []bool{true, false} {
		c := recorded(t)
		first := Plan(c.Standing(layers.NameL2), wanting(20), nil, now)
		c.do(t, &first)
		known := &first.Record
		if onObjects {
			known = nil
		} else {
			for _, name := range []Kind{KindScaledObject, KindDeployment} {
				c.with(t, name, "hal9-l2", annotation(AnnotationRecord), Absent)
			}
		}
		second := Plan(c.Standing(layers.NameL2), wanting(40), known, now.Add(3600e9))
		if diff := cmp.Diff(want, fields(&second)); diff != "" {
			t.Errorf("on objects %t: (-want +got)\n%s", onObjects, diff)
		}
		if !second.Record.At.Equal(now) || !second.Record.Until.Equal(now.Add(3*3600e9)) {
			t.Errorf("since %s until %s", second.Record.At, second.Record.Until)
		}
		// The same again changes nothing but how long it lasts, and keeps every way back.
		c.do(t, &second)
		third := Plan(c.Standing(layers.NameL2), wanting(40), &second.Record, now.Add(3600e9))
		if diff := cmp.Diff(want, fields(&third)); diff != "" {
			t.Errorf("third: (-want +got)\n%s", diff)
		}
	}
}

// TestScaledAgainWhatClimbed has KEDA and somebody raise what a first emergency raised: a second one takes nothing down.
func TestScaledAgainWhatClimbed(t *testing.T) {
	t.Parallel()
	c := recorded(t)
	first := Plan(c.Standing(layers.NameL2), wanting(10), nil, now)
	c.do(t, &first)
	c.with(t, KindScaledObject, "hal9-l2", []string{"spec", "maxReplicaCount"}, "60")
	c.with(t, KindHPA, "keda-hpa-hal9-l2", []string{"spec", "maxReplicas"}, "60")
	c.with(t, KindDeployment, "hal9-l2", []string{"spec", "replicas"}, "20")
	second := Plan(c.Standing(layers.NameL2), wanting(20), nil, now)
	if diff := cmp.Diff([]string{
		"hal9-l2 spec.minReplicaCount: 2 -> 20", "hal9-l2 spec.maxReplicaCount: 4 -> 60",
		"keda-hpa-hal9-l2 spec.minReplicas: 2 -> 20", "keda-hpa-hal9-l2 spec.maxReplicas: 4 -> 60", "hal9-l2 spec.replicas: 2 -> 20",
	}, fields(&second)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if notes := strings.Join(second.Notes, "\n"); strings.Count(notes, "by now") != 1 || !strings.Contains(notes, "hal9-l2 spec.maxReplicaCount is 60 by now") {
		t.Errorf("notes %q", notes)
	}
	// KEDA goes on between the look and the patch.
	c.with(t, KindDeployment, "hal9-l2", []string{"spec", "replicas"}, "22")
	change := &second.Record.Changes[2]
	if got := change.forth(&second.Record, `"x"`, c.object(change), ""); strings.Contains(got, "replicas") || !strings.Contains(got, AnnotationRecord) {
		t.Errorf("22 replicas are patched with %s", got)
	}
}

// TestPausedAfterRaised keeps the way back of what the pause leaves alone.
func TestPausedAfterRaised(t *testing.T) {
	t.Parallel()
	c, o := recorded(t), wanting(20)
	first := Plan(c.Standing(layers.NameL2), wanting(10), nil, now)
	c.do(t, &first)
	o.Mode = ModePause
	second := Plan(c.Standing(layers.NameL2), o, nil, now)
	if diff := cmp.Diff([]string{
		`hal9-l2 annotation autoscaling.keda.sh/paused-replicas: null -> "20"`, "hal9-l2 spec.minReplicaCount: 2 -> 10", "hal9-l2 spec.maxReplicaCount: 4 -> 10",
		"keda-hpa-hal9-l2 spec.minReplicas: 2 -> 10", "keda-hpa-hal9-l2 spec.maxReplicas: 4 -> 10", "hal9-l2 spec.replicas: 2 -> 20",
	}, fields(&second)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestAnotherObject takes no way back to an object that was made anew meanwhile.
func TestAnotherObject(t *testing.T) {
	t.Parallel()
	c := recorded(t)
	first := Plan(c.Standing(layers.NameL2), wanting(20), nil, now)
	for i := range first.Record.Changes {
		first.Record.Changes[i].UID = "another"
	}
	second := Plan(c.Standing(layers.NameL2), wanting(20), &first.Record, now)
	if len(second.Notes) > 0 || !second.Record.At.Equal(now) || len(fields(&second)) != 5 {
		t.Errorf("%v, %v", second.Notes, fields(&second))
	}
	way := Way{Record: &Record{Layers: []LayerRecord{first.Record}}}
	for _, l := range way.Record.Layers {
		for _, change := range l.Changes {
			way.Items = append(way.Items, itemsOf(c, &l, &change)...)
		}
	}
	for _, item := range way.Items {
		if item.Kind != KindHPA && item.State != BackGone {
			t.Errorf("%+v", item)
		}
	}
}

func TestWayBack(t *testing.T) {
	t.Parallel()
	c := recorded(t)
	p := Plan(c.Standing(layers.NameL2), wanting(20), nil, now)
	states := func() (list []Back) {
		for _, change := range p.Record.Changes {
			for _, item := range itemsOf(c, &p.Record, &change) {
				list = append(list, item.State)
			}
		}
		return list
	}
	check := func(when string, want ...Back) {
		t.Helper()
		if diff := cmp.Diff(want, states()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", when, diff)
		}
	}
	check("killed before the first change", BackDone, BackDone, BackDone, BackDone, BackDone)
	c.with(t, KindScaledObject, "hal9-l2", []string{"spec", "minReplicaCount"}, "20")
	c.with(t, KindScaledObject, "hal9-l2", []string{"spec", "maxReplicaCount"}, "20")
	check("killed in the middle", BackDo, BackDo, BackDone, BackDone, BackDone)
	c.do(t, &p)
	check("done", BackDo, BackDo, BackDo, BackDo, BackDo)
	c.with(t, KindScaledObject, "hal9-l2", []string{"spec", "maxReplicaCount"}, "50")
	c.with(t, KindHPA, "keda-hpa-hal9-l2", []string{"spec", "maxReplicas"}, "50")
	c.with(t, KindDeployment, "hal9-l2", []string{"spec", "replicas"}, "33")
	check("changed meanwhile", BackDo, BackChanged, BackDo, BackMoved, BackMoved)
	c.replace(t, KindHPA, "keda-hpa-hal9-l2", nil)
	check("KEDA's HPA is gone", BackDo, BackChanged, BackGone, BackGone, BackMoved)
}

func TestCapacity(t *testing.T) {
	t.Parallel()
	c := recorded(t)
	plan := Plan(c.Standing(layers.NameL2), wanting(1000), nil, now)
	more := demand([]LayerPlan{plan})
	if more["pods"] != 998_000 || more["cpu"] != 99_800 {
		t.Errorf("demand %v", more)
	}
	quota := kube.Quota{}
	quota.Metadata.Name = "tight"
	quota.Status.Hard = map[string]string{"pods": "40", "requests.cpu": "200", "limits.cpu": "500", "limits.memory": "300Gi"}
	quota.Status.Used = map[string]string{"pods": "12", "requests.cpu": "1200m", "limits.cpu": "2", "limits.memory": "4Gi"}
	plan.Standing.Deployment.Is.Spec.Template.Spec.Containers[0].Resources.Limits = map[string]string{"cpu": "250m", "memory": "512Mi"}
	more = demand([]LayerPlan{plan})
	want := []string{
		"quota tight: limits.memory 4 GiB of 300 GiB are used, 499 GiB more are asked for: not all pods will be made",
		"quota tight: pods 12 of 40 are used, 998 more are asked for: not all pods will be made",
	}
	if diff := cmp.Diff(want, overQuota([]kube.Quota{quota}, more)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	node := kube.Node{}
	node.Metadata.Name = "n1"
	node.Status.Allocatable = map[string]string{"cpu": "16", "memory": "640Gi", "pods": "2000"}
	node.Status.Conditions = []kube.Condition{{Type: "Ready", Status: "True"}}
	want = []string{"1 nodes have 16 cpu left, 99.8 more are asked for: some pods will wait for nodes"}
	if diff := cmp.Diff(want, overNodes([]kube.Node{node}, nil, more)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestAdvice asks the container that holds pods back, not the one that has not begun.
func TestAdvice(t *testing.T) {
	t.Parallel()
	c := kube.NewClient()
	for _, test := range []struct {
		hold kube.Hold
		want string
	}{
		{kube.Hold{Kind: kube.HoldInit, Pods: []string{"p"}, Container: "provisioned"}, "logs p --container provisioned --tail 50"},
		{kube.Hold{Kind: kube.HoldCrash, Pods: []string{"p"}, Container: "hal9"}, "logs p --container hal9 --previous --tail 50"},
		{kube.Hold{Kind: kube.HoldStarting, Pods: []string{"p"}}, "describe pod p"},
		{kube.Hold{Kind: kube.HoldQuota}, "describe resourcequotas"},
	} {
		if got := Advice(&test.hold, c); got != "kubectl --namespace hal9 "+test.want {
			t.Errorf("%s: %s", test.hold.Kind, got)
		}
	}
}
