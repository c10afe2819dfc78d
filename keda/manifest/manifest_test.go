package manifest_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	kubeyaml "sigs.k8s.io/yaml"

	"github.com/2lab-ai/hal9/keda/manifest"
	"github.com/2lab-ai/hal9/keda/policy"
	"github.com/2lab-ai/hal9/layers"
)

// variants are settings of each kind.
func variants() map[string]manifest.Settings {
	all := make(map[string]manifest.Settings)
	for _, trigger := range []manifest.Trigger{manifest.TriggerPush, manifest.TriggerStock} {
		for _, partitions := range []int{1, 12, 60, 720} {
			for _, zero := range []bool{false, true} {
				for _, resources := range []bool{false, true} {
					s := manifest.DefaultSettings()
					s.Trigger, s.Partitions, s.ScaleToZero, s.WithResources = trigger, partitions, zero, resources
					all[fmt.Sprintf("%s, %d partitions, zero %v, resources %v", trigger, partitions, zero, resources)] = s
				}
			}
		}
	}
	web := manifest.DefaultSettings()
	web.Connections = 500
	all["hal9-web as well"] = web
	return all
}

// TestKEDATakesAll judges what is rendered by the CRD's schema and by what KEDA's admission webhook checks.
func TestKEDATakesAll(t *testing.T) {
	s := readScheme(t)
	for name, settings := range variants() {
		t.Run(name, func(t *testing.T) {
			files, err := manifest.Render(settings)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files[:len(files)-1] {
				for _, fault := range s.faults(t, f.Data) {
					t.Errorf("%s: %s", f.Name, fault)
				}
				admit(t, f)
			}
		})
	}
}

// admit checks a file as the webhook does.
func admit(t *testing.T, f manifest.File) {
	t.Helper()
	var so keda.ScaledObject
	if err := kubeyaml.UnmarshalStrict(f.Data, &so); err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	check(keda.CheckReplicaCountBoundsAreValid(&so))
	check(keda.CheckFallbackValid(&so))
	check(keda.ValidateTriggers(so.Spec.Triggers))
	if so.IsUsingModifiers() {
		_, err := keda.ValidateAndCompileScalingModifiers(&so)
		check(err)
	}
	if so.Spec.PollingInterval != nil && so.UsesHPAObservations() {
		t.Errorf("%s: pollingInterval does nothing here", f.Name)
	}
	if bytes.Contains(f.Data, []byte("status:")) || bytes.Contains(f.Data, []byte("creationTimestamp")) || bytes.Contains(f.Data, []byte("{}")) {
		t.Errorf("%s: noise:\n%s", f.Name, f.Data)
	}
}

// TestGoldenFiles holds the files under keda to what is rendered; `make render` writes them.
func TestGoldenFiles(t *testing.T) {
	stock := manifest.DefaultSettings()
	stock.Trigger = manifest.TriggerStock
	web := manifest.DefaultSettings()
	web.Connections, web.Layers = 500, nil
	for dir, settings := range map[string]manifest.Settings{"..": manifest.DefaultSettings(), "../stock": stock, "../web": web} {
		files, err := manifest.Render(settings)
		if err != nil {
			t.Fatal(err)
		}
		want := make(map[string]bool)
		for _, f := range files {
			want[f.Name] = true
			data, err := os.ReadFile(filepath.Join(dir, f.Name))
			if err != nil {
				t.Error(err)
			} else if !bytes.Equal(data, f.Data) {
				t.Errorf("%s is not as it is rendered: make render", filepath.Join("keda", filepath.Base(dir), f.Name))
			}
		}
		there, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range there {
			if !want[filepath.Base(path)] {
				t.Errorf("%s is there and is not rendered: remove it", path)
			}
		}
	}
}

func TestSameSettingsSameBytes(t *testing.T) {
	first, err := manifest.Render(manifest.DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := manifest.Render(manifest.DefaultSettings())
		if err != nil {
			t.Fatal(err)
		}
		for i := range first {
			if !bytes.Equal(first[i].Data, again[i].Data) {
				t.Fatalf("%s differs between two renderings", first[i].Name)
			}
		}
	}
}

func TestMoreReplicasThanPartitionsAreNotAskedFor(t *testing.T) {
	s := manifest.DefaultSettings()
	s.Partitions = 4
	files, err := manifest.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int32{30, 4, 4, 4, 4} { // L1 has no partitions
		var so keda.ScaledObject
		if err := kubeyaml.Unmarshal(files[i].Data, &so); err != nil {
			t.Fatal(err)
		}
		if *so.Spec.MaxReplicaCount != want || *so.Spec.MinReplicaCount > want || so.Spec.Fallback.Replicas > want {
			t.Errorf("%s: %d to %d replicas, fallback %d, want at most %d", files[i].Name,
				*so.Spec.MinReplicaCount, *so.Spec.MaxReplicaCount, so.Spec.Fallback.Replicas, want)
		}
	}
}

func TestWhatIsWrongIsSaidAtOnce(t *testing.T) {
	s := manifest.DefaultSettings()
	s.Namespace, s.Partitions, s.Trigger, s.Prometheus = "Prod_1", 0, "cron", "prometheus:9090"
	s.Layers = []manifest.Layer{{Name: layers.NameL3, Policy: policy.Config{Min: 7, Max: 3}}}
	_, err := manifest.Render(s)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Prod_1", "0 partitions", "cron", "prometheus:9090", "L3: policy: min is 7, more than max (3)", "pace"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}
