package doctor

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/2lab-ai/hal9/internal/command"
)

// bundleTime bounds what is collected for a bundle only.
const bundleTime = 40 * time.Second

// Files returns what somebody who was not there needs of Kubernetes, by name: objects, descriptions, logs. What can't be
// had says why instead.
func (k *Kubernetes) Files(ctx context.Context) map[string]string {
	if k == nil || k.Error != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, bundleTime)
	defer cancel()
	files := map[string]string{}
	for name, args := range map[string][]string{
		"kubernetes/pods.txt":      {"get", "pods", "--output", "wide"},
		"kubernetes/describe.txt":  {"describe", "pods"},
		"kubernetes/events.txt":    {"get", "events", "--sort-by", ".lastTimestamp"},
		"kubernetes/workloads.txt": {"get", "deployments,statefulsets,horizontalpodautoscalers", "--output", "wide"},
		"kubernetes/scaled.yaml":   {"get", "scaledobjects.keda.sh", "--output", "yaml"},
		"kubernetes/logs.txt":      {"logs", "--selector", "app.kubernetes.io/name=hal9", "--since", "15m", "--tail", "200", "--prefix", "--max-log-requests", "100", "--all-containers"},
	} {
		data, err := k.Client.Run(ctx, args...)
		text := string(data)
		if err != nil {
			text += "\n" + command.OneLine(err) + "\n"
		}
		files[name] = hideEnvironment(strings.ToValidUTF8(text, "?"))
	}
	return files
}

var environment = regexp.MustCompile(`^(\s+)([A-Za-z_][A-Za-z0-9_.]*):(\s+)(\S.*)$`)

// hideEnvironment takes the values of variables out of what kubectl describes, but for those of HAL9 that say how it runs.
func hideEnvironment(text string) string {
	var b strings.Builder
	within, indent := false, 0
	for line := range strings.Lines(text) {
		trimmed := strings.TrimLeft(line, " ")
		depth := len(line) - len(trimmed)
		if within && depth <= indent {
			within = false
		}
		if m := environment.FindStringSubmatch(strings.TrimSuffix(line, "\n")); within && m != nil && !strings.HasPrefix(m[4], "<set to") && !harmless(m[2]) {
			line = m[1] + m[2] + ":" + m[3] + gone + "\n"
		}
		if strings.HasPrefix(trimmed, "Environment:") {
			within, indent = true, depth
		}
		b.WriteString(line)
	}
	return b.String()
}

// harmless reports whether a variable says how HAL9 runs and holds no secret.
func harmless(name string) bool {
	return strings.HasPrefix(name, "HAL9_") || name == "GOMEMLIMIT" || name == "GOMAXPROCS"
}
