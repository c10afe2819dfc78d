package archtest_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestRuntimeLinksNoKubernetes holds hal9, which every pod carries, to what it needs: KEDA's Go types bring Kubernetes'
// client with them, which is hal9-keda's business alone.
func TestRuntimeLinksNoKubernetes(t *testing.T) {
	links := func(command string) (found []string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/"+command)
		cmd.Dir = "../.."
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for path := range strings.FieldsSeq(string(out)) {
			if strings.HasPrefix(path, "k8s.io/") || strings.HasPrefix(path, "sigs.k8s.io/") || strings.HasPrefix(path, "github.com/kedacore/keda/v2/apis") {
				found = append(found, path)
			}
		}
		return found
	}
	if found := links("hal9"); len(found) > 0 {
		t.Errorf("cmd/hal9 links %d packages of Kubernetes, first %s: keep what needs them in cmd/hal9-keda", len(found), found[0])
	}
	if len(links("hal9-keda")) == 0 {
		t.Error("cmd/hal9-keda links no Kubernetes: this test no longer sees what it looks for")
	}
}
