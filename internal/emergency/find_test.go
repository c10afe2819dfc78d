package emergency

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

// TestWhichRecordCounts holds a file of this machine against what the objects show.
func TestWhichRecordCounts(t *testing.T) {
	t.Parallel()
	unmark := func(s stage) {
		s.set(KindScaledObject, "hal9-l2", annotation(AnnotationRecord), Absent)
		s.set(KindDeployment, "hal9-l2", annotation(AnnotationRecord), Absent)
	}
	back := func(s stage) { // as restore.sh does, or hal9 on another machine
		unmark(s)
		s.set(KindScaledObject, "hal9-l2", []string{"spec", "minReplicaCount"}, "2")
		s.set(KindScaledObject, "hal9-l2", []string{"spec", "maxReplicaCount"}, "4")
		s.set(KindHPA, "keda-hpa-hal9-l2", []string{"spec", "minReplicas"}, "2")
		s.set(KindHPA, "keda-hpa-hal9-l2", []string{"spec", "maxReplicas"}, "4")
		s.set(KindDeployment, "hal9-l2", []string{"spec", "replicas"}, "2")
	}
	for _, test := range []struct {
		name   string
		change func(s stage)
		before Value // of maxReplicaCount; "" where nothing is under way
		filed  []string
	}{
		{"as it was left", func(stage) {}, "4", nil},
		{"the annotations are lost", unmark, "4", []string{"L2"}},
		{"a damaged annotation", func(s stage) {
			unmark(s)
			s.set(KindDeployment, "hal9-l2", annotation(AnnotationRecord), `"{"`)
		}, "4", []string{"L2"}},
		{"restored without this hal9", back, "", nil},
		{"restored, and KEDA asks for as many", func(s stage) {
			back(s)
			s.set(KindDeployment, "hal9-l2", []string{"spec", "replicas"}, "20")
		}, "", nil},
		{"restored, and scaled anew from elsewhere", func(s stage) {
			back(s)
			s.set(KindScaledObject, "hal9-l2", []string{"spec", "maxReplicaCount"}, "8")
			p := Plan(s.Standing(layers.NameL2), wanting(20), nil, now)
			s.do(s.t, &p)
		}, "8", nil},
		{"made anew", func(s stage) {
			for _, kind := range []Kind{KindScaledObject, KindDeployment} {
				s.set(kind, "hal9-l2", []string{"metadata", "uid"}, `"another"`)
			}
			unmark(s)
		}, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := recorded(t)
			p := Plan(c.Standing(layers.NameL2), wanting(20), nil, now)
			c.do(t, &p)
			file := &Record{Version: 1}
			file.put(&p.Record)
			// Of L1 the file tells, and the cluster shows nothing of it.
			other := Plan(c.Standing(layers.NameL1), wanting(20), nil, now)
			file.put(&other.Record)
			test.change(stage{c, t})
			got, filed := underWay(c, &kube.Place{}, file)
			var before Value
			if l := got.layer("L2"); l != nil {
				before = l.Changes[0].Fields[1].Before
			}
			if before != test.before || len(got.Layers) > 1 || cmp.Diff(test.filed, filed) != "" {
				t.Errorf("before %q, want %q; from the file %v, want %v; layers %d", before, test.before, filed, test.filed, len(got.Layers))
			}
		})
	}
}

func TestRecordsOfOtherClusters(t *testing.T) {
	t.Parallel()
	r := &Record{Place: kube.Place{Server: "https://10.0.0.1:6443", Namespace: "hal9"}}
	for _, test := range []struct {
		place kube.Place
		want  bool
	}{
		{kube.Place{Server: "https://10.0.0.1:6443", Namespace: "hal9"}, false},
		{kube.Place{Server: "https://10.0.0.2:6443", Namespace: "hal9"}, true},
		{kube.Place{Server: "https://10.0.0.1:6443", Namespace: "night"}, true},
		{kube.Place{Namespace: "hal9"}, false}, // within a pod
	} {
		if got := r.elsewhere(&test.place); got != test.want {
			t.Errorf("%+v: %t", test.place, got)
		}
	}
}

// answering returns a kubectl that answers with the objects of a cluster, and writes down what it is to patch. Tests with one
// run one after another: a script that is being written while another test starts a process can't be started.
func answering(t *testing.T, c *Cluster) (client kube.Client, patches func() string) {
	t.Helper()
	dir := t.TempDir()
	for _, object := range c.all() {
		if err := os.WriteFile(filepath.Join(dir, string(kinds[object.Kind])+"-"+object.Metadata.Name), object.Raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := `#!/bin/sh
cd ` + dir + `
while [ "$1" != get ] && [ "$1" != patch ]; do shift; done
case $1 in
get) cat "$4-$5" 2>/dev/null || { echo "Error from server (NotFound): $4 \"$5\" not found" >&2; exit 1; };;
patch) echo "$2 $3 $7" >> patches;;
esac
`
	path := filepath.Join(dir, "kubectl")
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	client = kube.NewClient()
	client.Program = path
	return client, func() string {
		data, err := os.ReadFile(filepath.Join(dir, "patches"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return string(data)
	}
}

// TestRestoreSaysWhatCameOfIt has objects go away, and others left to the autoscaler.
func TestRestoreSaysWhatCameOfIt(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(s stage)
		keep   bool
		left   string
		states []Back
	}{
		{"all there", func(stage) {}, false, "", []Back{BackDone, BackDone, BackDone, BackDone, BackDone}},
		{"KEDA's HPA is gone", func(s stage) { s.drop(KindHPA, "keda-hpa-hal9-l2") }, false, "", []Back{BackDone, BackDone, BackDone, BackDone, BackDone}},
		{"the ScaledObject is gone", func(s stage) { s.drop(KindScaledObject, "hal9-l2") }, false, "gone: left alone", []Back{BackGone, BackGone, BackDone, BackDone, BackDone}},
		{"another Deployment", func(s stage) {
			s.set(KindDeployment, "hal9-l2", []string{"metadata", "uid"}, `"another"`)
		}, false, "another object by now: left alone", []Back{BackDone, BackDone, BackDone, BackDone, BackGone}},
		{"left to the autoscaler", func(stage) {}, true, "", []Back{BackDone, BackDone, BackDone, BackDone, BackKept}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := recorded(t)
			p := Plan(c.Standing(layers.NameL2), wanting(20), nil, now)
			c.do(t, &p)
			test.change(stage{c, t})
			client, patches := answering(t, c)
			way := newWay(c, &Record{Version: 1, Layers: []LayerRecord{p.Record}}, "", nil, RestoreOptions{KeepReplicas: test.keep})
			if err := way.Restore(t.Context(), client, func(Step) {}); err != nil {
				t.Fatal(err)
			}
			var states []Back
			for _, item := range way.Items {
				states = append(states, item.State)
			}
			var left []string
			for _, step := range way.Left {
				left = append(left, step.Did)
			}
			if diff := cmp.Diff(test.states, states); diff != "" || strings.Join(left, ", ") != test.left {
				t.Errorf("left %q, want %q; states (-want +got)\n%s", left, test.left, diff)
			}
			if got := strings.Contains(patches(), `"replicas":2`); got != (test.states[4] == BackDone) {
				t.Errorf("patches\n%s", patches())
			}
		})
	}
}

// TestKeepReplicasWithoutAutoscaler gives the number of pods back where nothing else would, as the dry run says.
func TestKeepReplicasWithoutAutoscaler(t *testing.T) {
	c := recorded(t)
	p := Plan(c.Standing(layers.NameL1), wanting(20), nil, now)
	c.do(t, &p)
	client, patches := answering(t, c)
	way := newWay(c, &Record{Version: 1, Layers: []LayerRecord{p.Record}}, "", nil, RestoreOptions{KeepReplicas: true})
	if state := way.Items[0].State; state != BackDo {
		t.Errorf("the dry run says %s", state)
	}
	if err := way.Restore(t.Context(), client, func(Step) {}); err != nil {
		t.Fatal(err)
	}
	if state := way.Items[0].State; state != BackDone || !strings.Contains(patches(), `"replicas"`) {
		t.Errorf("%s\n%s", state, patches())
	}
}
