package archtest

import (
	"path"
	"slices"
)

// Rule says what the packages in matching folders may import beside the standard library.
type Rule struct {
	Packages string   // folder pattern as in path.Match, below the module's root
	Internal []string // folder patterns of this module's packages; a trailing /... takes all below, too
	External []string // import path prefixes of other modules, cut at slashes
}

// Rules is HAL9's architecture: arrows point inward, to the contract in layers. The first
// rule whose pattern matches a package holds.
func Rules() []Rule {
	return slices.Concat(contractRules(), edgeRules(), actionRules(), scalingRules(), proofRules(), helpRules())
}

// contractRules are those of the contract, the layers and the pipeline: what is in here
// depends on nothing outside this list.
func contractRules() []Rule {
	return []Rule{
		{Packages: "layers"},
		{Packages: "layers/layertest", Internal: []string{"layers"}, External: []string{"github.com/google/go-cmp"}},
		{Packages: "layers/tactical", Internal: []string{"layers", "layers/tactical/nearest"}},
		{Packages: "layers/tactical/nearest"},
		{Packages: "layers/rawjson", External: []string{"github.com/google/go-cmp"}},
		{Packages: "layers/reflexive", Internal: []string{"layers"}, External: []string{"github.com/maypok86/otter/v2"}}, // its cache
		{Packages: "layers/*", Internal: []string{"layers", "layers/rawjson"}},
		{Packages: "pipeline", Internal: []string{"layers", "layers/rawjson"}, External: []string{"golang.org/x/sync/errgroup"}},
		{
			Packages: "pipeline/natspubsub",
			External: []string{"github.com/ThreeDotsLabs/watermill", "github.com/nats-io/nats.go"},
		},
	}
}

// edgeRules are those of the packages that each wrap one dependency or one door, and of
// what wires them.
func edgeRules() []Rule {
	const (
		client = "github.com/nats-io/nats.go"
		server = "github.com/nats-io/nats-server/v2"
		orbit  = "github.com/synadia-io/orbit.go"
		prom   = "github.com/prometheus"
		yaml   = "go.yaml.in/yaml/v3"
	)
	return []Rule{
		{Packages: "internal/archtest"},
		{Packages: "internal/bus", Internal: []string{"layers", "layers/rawjson", "pipeline"}, External: []string{client, "github.com/nats-io/nuid", orbit, "golang.org/x/sync"}},
		{Packages: "internal/bus/bustest", Internal: []string{"layers", "pipeline"}, External: []string{"github.com/google/go-cmp"}},
		{Packages: "internal/oncall", Internal: []string{"layers", "layers/reflexive", "internal/bus", "internal/expr"}},
		{
			Packages: "internal/dead",
			Internal: []string{"layers", "pipeline", "internal/bus", "internal/ingest"},
			External: []string{"golang.org/x/time"},
		},
		{Packages: "internal/e2e"},
		{Packages: "internal/e2e/*"},
		{Packages: "internal/score"},
		{Packages: "internal/goldentest", External: []string{"github.com/google/go-cmp"}},
		{Packages: "internal/command", Internal: []string{"internal/config"}, External: []string{"github.com/spf13/pflag"}},
		{Packages: "internal/natsserver", External: []string{client, server, "github.com/gofrs/flock"}},
		{Packages: "internal/natstest", Internal: []string{"internal/natsserver"}, External: []string{client, server}},
		{Packages: "internal/ingest", Internal: []string{"layers"}, External: []string{"github.com/cloudevents/sdk-go/v2", "github.com/google/uuid"}},
		{Packages: "internal/expr", Internal: []string{"layers"}, External: []string{"cel.dev"}},
		{Packages: "internal/config", Internal: []string{"layers/...", "internal/escalation", "internal/ingest", "internal/expr", "internal/outbound", "keda/policy"}, External: []string{yaml}},
		{Packages: "internal/telemetry", Internal: []string{"layers", "pipeline", "internal/ingest"}, External: []string{prom}},
		{
			Packages: "internal/tracing",
			Internal: []string{"layers", "pipeline", "internal/bus"},
			External: []string{"go.opentelemetry.io", "google.golang.org/grpc", "golang.org/x/time"},
		},
		{Packages: "internal/web", Internal: []string{"layers", "pipeline", "internal/host", "internal/ingest", "internal/journal"}, External: []string{prom, "golang.org/x/sync", "golang.org/x/time"}},
		{
			Packages: "internal/cli",
			Internal: []string{"layers", "layers/strategic", "pipeline", "internal/bus", "internal/dead", "internal/emergency", "internal/ingest", "internal/kube", "keda/policy"},
			External: []string{"github.com/schollz/progressbar/v3", "github.com/fatih/color", "golang.org/x/time", "golang.org/x/term"},
		},
		{Packages: "internal/bench", Internal: []string{"layers/...", "pipeline", "internal/..."}, External: []string{"golang.org/x/sync"}},
		// The yardstick is NATS without HAL9.
		{Packages: "internal/bench/bare", External: []string{client, orbit, "golang.org/x/sync"}},
		{
			Packages: "internal/load",
			Internal: []string{"layers", "pipeline", "internal/bus"},
			External: []string{"github.com/HdrHistogram/hdrhistogram-go", "github.com/schollz/progressbar/v3"},
		},
		{
			Packages: "internal/app",
			Internal: []string{"layers/...", "pipeline/...", "internal/..."},
			External: []string{prom, "github.com/ThreeDotsLabs/watermill", "golang.org/x/sync"},
		},
		{
			Packages: "cmd/hal9",
			Internal: []string{"layers/...", "pipeline/...", "internal/...", "keda"},
			External: []string{
				"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/fatih/color", "github.com/schollz/progressbar/v3",
				"golang.org/x/term", "golang.org/x/time", "golang.org/x/sync",
			},
		},
	}
}

// actionRules are those of what acts on the world outside.
func actionRules() []Rule {
	return []Rule{
		{
			Packages: "internal/outbound",
			Internal: []string{"layers", "pipeline/...", "internal/ingest"},
			External: []string{"github.com/ThreeDotsLabs/watermill", "github.com/sony/gobreaker"},
		},
		{
			Packages: "internal/outcome",
			Internal: []string{"layers", "layers/tactical", "pipeline", "internal/bus"},
		},
		{
			Packages: "internal/consensus",
			Internal: []string{"layers", "layers/tactical", "pipeline", "pipeline/natspubsub", "internal/bus", "internal/outbound"},
			External: []string{"github.com/ThreeDotsLabs/watermill"},
		},
	}
}

// proofRules are those of what shows a configuration without running it.
func proofRules() []Rule {
	return []Rule{
		{Packages: "internal/assembly", Internal: []string{"layers/...", "pipeline", "internal/config", "internal/expr", "internal/ingest"}},
		{
			Packages: "internal/rehearsal",
			Internal: []string{"layers", "layers/strategic", "pipeline", "internal/assembly", "internal/config", "internal/ingest"},
		},
		{
			Packages: "internal/shadow",
			Internal: []string{
				"layers", "pipeline", "internal/bus", "internal/cli", "internal/config", "internal/ingest", "internal/rehearsal",
			},
			External: []string{"golang.org/x/sync/errgroup"},
		},
		{Packages: "deploy"}, // tests of what is in there
		{Packages: "internal/tuning", Internal: []string{"layers", "pipeline", "internal/bus"}},
		{
			Packages: "internal/trial",
			Internal: []string{"layers", "pipeline", "internal/config", "internal/ingest", "internal/rehearsal"},
		},
	}
}

// helpRules are those of what helps people when something is wrong.
func helpRules() []Rule {
	return []Rule{
		{Packages: "internal/escalation"},
		{Packages: "internal/host"},
		{Packages: "internal/journal"},
		{Packages: "internal/kube"},
		{Packages: "internal/emergency", Internal: []string{"layers", "internal/kube"}},
		{
			Packages: "internal/doctor",
			Internal: []string{
				"layers", "layers/strategic", "pipeline", "internal/bus", "internal/command", "internal/dead", "internal/emergency", "internal/escalation", "internal/host",
				"internal/journal", "internal/kube",
			},
		},
	}
}

// ruleFor returns the rule of the package in dir.
func ruleFor(rules []Rule, dir string) (Rule, bool) {
	for _, rule := range rules {
		if matched, err := path.Match(rule.Packages, dir); err == nil && matched {
			return rule, true
		}
	}
	return Rule{}, false
}
