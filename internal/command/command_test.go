package command_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/2lab-ai/hal9/internal/command"
)

func TestFromEnvironment(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	port := flags.Int("nats-port", 1, "")
	host := flags.String("host", "default", "")
	if err := flags.Parse([]string{"--host", "typed"}); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HAL9_NATS_PORT": "2", "HAL9_HOST": "environment", "HAL9_OTHER": "x"}
	lookup := func(name string) (string, bool) { value, ok := env[name]; return value, ok }
	if err := command.FromEnvironment(flags, lookup); err != nil || *port != 2 || *host != "typed" {
		t.Errorf("%v: port %d, host %q: want 2 from the environment, and the host that was typed", err, *port, *host)
	}
	other := flags.String("other", "default", "")
	command.NotFromEnvironment(flags, "other")
	if err := command.FromEnvironment(flags, lookup); err != nil || *other != "default" {
		t.Errorf("%v: --other is %q, and no variable sets it", err, *other)
	}
	env["HAL9_NATS_PORT"] = "many"
	flags.Lookup("nats-port").Changed = false
	const want = `environment variable HAL9_NATS_PORT: invalid argument "many" for "--nats-port" flag: strconv.ParseInt: parsing "many": invalid syntax`
	if err := command.FromEnvironment(flags, lookup); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOneLine(t *testing.T) {
	err := errors.Join(fmt.Errorf("config: hal9.yaml: %w", errors.New("bus: it is so")), errors.New("bus: policy: l3: no such thing"))
	const want = "hal9.yaml: bus: it is so; l3: no such thing"
	if got := command.OneLine(err); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLoadConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := command.LoadConfig(""); err != nil {
		t.Errorf("without a file: %v", err)
	}
	if _, err := command.LoadConfig("other.yaml"); err == nil {
		t.Error("a file that is not there was read")
	}
	for _, name := range []string{"hal9.yaml", filepath.Join(t.TempDir(), "other.yaml")} {
		if err := os.WriteFile(name, []byte("no_such_key: 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		given := name
		if name == "hal9.yaml" {
			given = ""
		}
		if _, err := command.LoadConfig(given); err == nil {
			t.Errorf("%s was not read", name)
		}
	}
}

// TestOneLineKnowsAllPackages reads the module's source: each package that starts a text with its name, as errors do, is
// known.
func TestOneLineKnowsAllPackages(t *testing.T) {
	root := filepath.Join("..", "..")
	known := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			_, nested := os.Stat(filepath.Join(path, "go.mod"))
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || nested == nil) {
				return fs.SkipDir
			}
			return nil
		}
		folder := filepath.Base(filepath.Dir(path))
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(folder, "test") {
			return nil
		}
		source, err := os.ReadFile(path)
		if strings.Contains(string(source), `"`+folder+`: `) {
			known[folder] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(known) < 30 {
		t.Fatalf("only %d packages found: %v", len(known), known)
	}
	for name := range known {
		if got := command.OneLine(errors.New(name + ": it is so")); got != "it is so" {
			t.Errorf("%q keeps the package's name: add it to packageNames", got)
		}
	}
}
