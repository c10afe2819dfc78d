package archtest_test

import (
	"path"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/archtest"
)

// TestRulesKeepTheArrows asks the module's own rules about the arrows that matter most,
// so that widening one of them is a change that a test names.
func TestRulesKeepTheArrows(t *testing.T) {
	const hal9 = "github.com/2lab-ai/hal9/"
	tests := []struct {
		from, to string
		allowed  bool
	}{
		{"layers", "context", true},
		{"layers", hal9 + "pipeline", false},
		{"layers", "github.com/google/uuid", false},
		{"layers/tactical", hal9 + "layers", true},
		{"layers/tactical", hal9 + "layers/operational", false},
		{"layers/tactical", hal9 + "pipeline", false},
		{"layers/tactical", hal9 + "internal/expr", false},
		{"layers/reflexive", "github.com/nats-io/nats.go", false},
		{"layers/layertest", "testing", true},
		{"layers/layertest", "github.com/google/go-cmp/cmp", true},
		{"layers/reflexive", "testing", false},
		{"pipeline", hal9 + "layers", true},
		{"pipeline", "golang.org/x/sync/errgroup", true},
		{"pipeline", "golang.org/x/sync/singleflight", false},
		{"pipeline", hal9 + "layers/reflexive", false},
		{"pipeline", hal9 + "internal/bus", false},
		{"pipeline", "github.com/nats-io/nats.go", false},
		{"pipeline/natspubsub", "github.com/nats-io/nats.go/jetstream", true},
		{"internal/bus", "github.com/nats-io/nats.go/jetstream", true},
		{"internal/bus", hal9 + "layers/reflexive", false},
		{"internal/bus", "github.com/nats-io/nats-server/v2/server", false},
		{"internal/natsserver", "github.com/nats-io/nats-server/v2/server", true},
		{"internal/app", "github.com/nats-io/nats.go", false},
		{"internal/app", hal9 + "layers/strategic", true},
		{"internal/web", "github.com/nats-io/nats.go", false},
		{"internal/outbound", "github.com/nats-io/nats.go", false},
		{"internal/expr", hal9 + "pipeline", false},
		{"internal/ingest", hal9 + "pipeline", false},
		{"cmd/hal9", "github.com/nats-io/nats.go", false},
		{"cmd/hal9", hal9 + "internal/app", true},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.from+" to "+tt.to, "/", "."), func(t *testing.T) {
			name := tt.from + "/x.go"
			root := writeTree(t, map[string]string{
				"go.mod": "module github.com/2lab-ai/hal9\n",
				name:     "// Package x is x.\npackage " + path.Base(tt.from) + "\n\nimport \"" + tt.to + "\"\n",
			})
			found, err := archtest.Check(root, archtest.Rules())
			if err != nil {
				t.Fatal(err)
			}
			allowed := true
			for _, violation := range found {
				allowed = allowed && (violation.File != name || violation.Line != 4)
			}
			if allowed != tt.allowed {
				t.Errorf("import allowed = %t, want %t; found %v", allowed, tt.allowed, found)
			}
		})
	}
}
