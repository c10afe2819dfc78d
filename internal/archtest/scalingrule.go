package archtest

// scalingRules are those of what decides how many replicas a layer gets, and of what tells KEDA. Kubernetes' types stay in
// hal9-keda; see also TestRuntimeLinksNoKubernetes.
func scalingRules() []Rule {
	const (
		types = "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
		api   = "k8s.io/api"
		yaml  = "go.yaml.in/yaml/v3"
	)
	return []Rule{
		{Packages: "keda/policy"},
		{
			Packages: "keda", Internal: []string{"layers", "keda/policy"},
			External: []string{"github.com/kedacore/keda/v2/pkg/scalers/externalscaler", "google.golang.org/grpc"},
		},
		{
			Packages: "internal/scaling", Internal: []string{"layers", "pipeline", "internal/bus", "keda/policy"},
			External: []string{"github.com/prometheus", "golang.org/x/sync"},
		},
		{
			Packages: "keda/manifest",
			Internal: []string{"layers", "pipeline", "keda/policy"}, External: []string{types, api, "k8s.io/apimachinery", yaml},
		},
		{Packages: "keda/lint", Internal: []string{"layers", "pipeline"}, External: []string{types, api, yaml, "sigs.k8s.io/json"}},
		{Packages: "keda/simulate", Internal: []string{"keda/policy"}},
		{
			Packages: "cmd/hal9-keda",
			Internal: []string{"layers", "pipeline", "keda/...", "internal/bus", "internal/command", "internal/config"},
			External: []string{"github.com/spf13/cobra", "github.com/spf13/pflag"},
		},
	}
}
