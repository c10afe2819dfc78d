// Package command owns what both programs do around their commands: flags that come from the environment, the file with
// the configuration, and the line on stderr that ends a process.
package command

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/2lab-ai/hal9/internal/config"
)

// ErrSilent ends the process with code 1 where the command has said why itself.
var ErrSilent = errors.New("command: failed")

// envPrefix starts the environment variable that stands for a flag: --nats-port is HAL9_NATS_PORT.
const envPrefix = "HAL9_"

// typedOnly marks flags that no environment variable sets.
const typedOnly = "hal9_typed_only"

// NotFromEnvironment has no environment variable set flags: the variable of that name means something else.
func NotFromEnvironment(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		_ = flags.SetAnnotation(name, typedOnly, nil) // It fails only for flags that do not exist, which a test would see.
	}
}

// FromEnvironment sets the flags that the command line leaves unset. Its error names each variable with an impossible value.
func FromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var problems []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := lookup(name)
		if _, typed := f.Annotations[typedOnly]; f.Changed || !ok || typed {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			problems = append(problems, fmt.Errorf("environment variable %s: %w", name, err))
		}
	})
	return errors.Join(problems...)
}

// LoadConfig reads the named file, or hal9.yaml in the working folder where it exists, or nothing.
func LoadConfig(path string) (config.File, error) {
	const usual = "hal9.yaml"
	if path == "" {
		if _, err := os.Stat(usual); err != nil {
			return config.Default(), nil //nolint:nilerr // All of the configuration is optional.
		}
		path = usual
	}
	return config.Load(path)
}

// OneLine returns an error as the line that ends the process: the names of packages that wrap each other say nothing to
// whoever reads it.
func OneLine(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' })
	for i, line := range lines {
		lines[i] = packageNames.ReplaceAllString(line, "")
	}
	return strings.Join(lines, "; ")
}

// packageNames matches the packages of this module that may start an error's text; a test holds it complete.
var packageNames = regexp.MustCompile(`^((app|assembly|bare|bench|bus|cli|command|config|consensus|dead|doctor|emergency|escalation|expr|hal9|hal9-keda|host|` +
	`implementation|ingest|keda|kube|layers|lint|load|manifest|natspubsub|natsserver|oncall|operational|outbound|outcome|pipeline|policy|reflexive|rehearsal|` +
	`scaling|score|shadow|simulate|strategic|tactical|tracing|trial|tuning|web): )+`)
