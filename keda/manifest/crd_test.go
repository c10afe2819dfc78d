package manifest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	kubeyaml "sigs.k8s.io/yaml"
)

// scheme is the schema by which the API server judges ScaledObjects, from the CRD of the KEDA that go.mod names.
type scheme struct {
	structural *structural.Structural
	validator  *validate.SchemaValidator
}

func readScheme(t *testing.T) scheme {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/kedacore/keda/v2").Output()
	if err != nil {
		t.Fatalf("where is KEDA's module: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "config/crd/bases/keda.sh_scaledobjects.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := kubeyaml.Unmarshal(data, &crd); err != nil {
		t.Fatal(err)
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(crd.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
		t.Fatal(err)
	}
	s, err := structural.NewStructural(&props)
	if err != nil {
		t.Fatal(err)
	}
	return scheme{structural: s, validator: validate.NewSchemaValidator(s.ToKubeOpenAPI(), nil, "", strfmt.Default)}
}

// faults says what is wrong with a document, as the API server would with strict field validation.
func (s scheme) faults(t *testing.T, data []byte) []string {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	// The API server's own numbers are those of JSON.
	asJSON, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	object = nil
	if err := json.Unmarshal(asJSON, &object); err != nil {
		t.Fatal(err)
	}
	var faults []string
	for _, err := range s.validator.Validate(object).Errors {
		faults = append(faults, err.Error())
	}
	for _, path := range pruning.PruneWithOptions(object, s.structural, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		faults = append(faults, "unknown field "+path)
	}
	return faults
}

// TestSchemaSees holds the judge itself to account: it must see what is wrong.
func TestSchemaSees(t *testing.T) {
	s := readScheme(t)
	const good = "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: x}\nspec:\n  scaleTargetRef: {name: x}\n  triggers: [{type: cpu, metadata: {value: \"60\"}}]\n"
	for name, test := range map[string]struct{ add, want string }{
		"nothing":       {"", ""},
		"unknown field": {"  minReplicas: 3\n", "unknown field spec.minReplicas"},
		"wrong type":    {"  minReplicaCount: \"3\"\n", "spec.minReplicaCount"},
		"wrong value":   {"  fallback: {failureThreshold: 1, replicas: 1, behavior: keep}\n", "spec.fallback.behavior"},
		"below minimum": {"  maxReplicaCount: 0\n", "spec.maxReplicaCount"},
		"missing":       {"  fallback: {replicas: 1}\n", "spec.fallback.failureThreshold"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(s.faults(t, []byte(good+test.add)), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("faults %q, want %q", got, test.want)
			}
		})
	}
}
