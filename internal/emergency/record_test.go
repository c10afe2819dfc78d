package emergency

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/goldentest"
	"github.com/2lab-ai/hal9/internal/kube"
	"github.com/2lab-ai/hal9/layers"
)

func example(t *testing.T) *Record {
	t.Helper()
	c := recorded(t)
	c.with(t, KindScaledObject, "hal9-l2", annotation(pausedReplicas), `"5"`)
	p := Plan(c.Standing(layers.NameL2), wanting(20), nil, now)
	r := &Record{Version: 1, Place: kube.Place{Context: "prod eu", Cluster: "prod", Server: "https://10.0.0.1:6443", User: "dave", Namespace: "hal9"}}
	r.put(&p.Record)
	return r
}

func TestScriptAndRecord(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "way.json")
	r := example(t)
	if err := r.Write(path, kube.NewClient()); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(ScriptPath(path))
	if err != nil {
		t.Fatal(err)
	}
	goldentest.Check(t, "testdata/restore.sh", string(script))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	goldentest.Check(t, "testdata/record.json", string(data))
	again, err := ReadRecord(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, again); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-n", ScriptPath(path)).CombinedOutput(); err != nil {
		t.Errorf("sh -n: %v\n%s", err, out)
	}
}

func TestRecordsThatAreNone(t *testing.T) {
	t.Parallel()
	if _, err := ReadRecord(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	good, err := json.Marshal(example(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"no JSON": "{", "another version": `{"version":2}`,
		"another field": strings.Replace(string(good), `"minReplicaCount"`, `"template"`, 1),
		"another kind":  strings.Replace(string(good), "deployment.apps", "secrets", 1),
	} {
		if _, err := ParseRecord("x.json", []byte(data)); err == nil || !strings.Contains(err.Error(), "x.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzRecord holds that what is read of a record can only ever give back fields that an emergency changes.
func FuzzRecord(f *testing.F) {
	data, err := os.ReadFile("testdata/record.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRecord("x.json", data)
		if err != nil {
			return
		}
		for _, l := range r.Layers {
			for _, c := range l.Changes {
				var patch struct {
					Spec     map[string]json.RawMessage `json:"spec"`
					Metadata map[string]json.RawMessage `json:"metadata"`
				}
				decoder := json.NewDecoder(bytes.NewReader([]byte(c.back(""))))
				decoder.DisallowUnknownFields()
				if err := decoder.Decode(&patch); err != nil {
					t.Fatalf("%s: %v", c.back(""), err)
				}
				delete(patch.Metadata, "annotations")
				for name := range patch.Spec {
					if !strings.Contains(strings.ToLower(name), "replica") {
						t.Fatalf("it gives back %s", name)
					}
				}
				if len(patch.Metadata) > 0 {
					t.Fatalf("it gives back %v", patch.Metadata)
				}
			}
		}
		Script(r, kube.NewClient())
	})
}
