package deploy_test

import (
	"os"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// composeService is what matters here of a service of docker-compose.yml.
type composeService struct {
	Image       string `json:"image"`
	PullPolicy  string `json:"pull_policy"`
	Build       any    `json:"build"`
	HealthCheck struct {
		Interval    string `json:"interval"`
		StartPeriod string `json:"start_period"`
	} `json:"healthcheck"`
}

func composeServices(t *testing.T) map[string]composeService {
	t.Helper()
	data, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]composeService `json:"services"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Services
}

// TestComposeBuildsItsImage: where an image is missing, Compose pulls it for each service whose policy does not say otherwise, and then builds
// it for each that has a build section.
func TestComposeBuildsItsImage(t *testing.T) {
	built, users := 0, 0
	for name, s := range composeServices(t) {
		if s.Build != nil {
			built++
		}
		if s.Image != "hal9:local" {
			continue
		}
		users++
		if s.PullPolicy != "never" {
			t.Errorf("%s: pull_policy %q: a fresh clone asks a registry for hal9:local", name, s.PullPolicy)
		}
	}
	if built != 1 || users < 7 {
		t.Errorf("%d services build the image, want 1; %d use it", built, users)
	}
}

// TestComposeLetsNATSReadItsStore: as long as it reads, nothing may give it up, and a small store must not wait.
func TestComposeLetsNATSReadItsStore(t *testing.T) {
	check := composeServices(t)["nats"].HealthCheck
	start, err := time.ParseDuration(check.StartPeriod)
	if err != nil || start < 5*time.Minute {
		t.Errorf("start_period %q (%v), want 5m", check.StartPeriod, err)
	}
	if interval, err := time.ParseDuration(check.Interval); err != nil || interval > 5*time.Second {
		t.Errorf("interval %q (%v), want a quick first start", check.Interval, err)
	}
}
