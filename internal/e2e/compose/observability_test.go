package compose_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// checkObservability brings services of the profile up and asks each what it knows of HAL9.
func checkObservability(t *testing.T, s *stack, services []string) {
	t.Helper()
	s.up(t, append([]string{"--no-recreate"}, services...)...)
	sendSome(t, s)
	if slices.Contains(services, "prometheus") {
		checkTargets(t, s)
		checkRules(t, s)
		checkDashboards(t, s)
	}
	if slices.Contains(services, "jaeger") {
		checkTraces(t, s)
	}
	if slices.Contains(services, "grafana") {
		checkGrafana(t, s)
	}
}

// sendSome gives every panel something to show.
func sendSome(t *testing.T, s *stack) {
	t.Helper()
	for n := range 60 {
		post(t.Context(), s.http("HAL9_PORT", "/v1/signals"), body("panels", n))
		pause(t.Context(), 100*time.Millisecond)
	}
}

// targets is the answer of /api/v1/targets.
type targets struct {
	Data struct {
		ActiveTargets []struct {
			Labels    map[string]string
			Health    string
			LastError string
		}
	}
}

// checkTargets requires that Prometheus found every service of HAL9 and scrapes all that it found.
func checkTargets(t *testing.T, s *stack) {
	t.Helper()
	until(t, time.Minute, func() error {
		var found targets
		if err := getJSON(t.Context(), s.http("HAL9_PROMETHEUS_PORT", "/api/v1/targets?state=active"), &found); err != nil {
			return err
		}
		up := map[string]int{}
		for _, target := range found.Data.ActiveTargets {
			if target.Health != "up" {
				return fmt.Errorf("%v is %s: %s", target.Labels, target.Health, target.LastError)
			}
			up[target.Labels["service"]]++
		}
		for _, service := range []string{"l1", "l2", "l3", "l4", "l5", "web"} {
			if up[service] == 0 {
				return fmt.Errorf("no target of %s among %v", service, up)
			}
		}
		return nil
	})
}

// rules is the answer of /api/v1/rules.
type rules struct {
	Data struct {
		Groups []struct {
			Rules []struct{ Name, Health, State, LastError string }
		}
	}
}

// checkRules requires that every alert can be evaluated and that none of them fires on a stack that is well.
func checkRules(t *testing.T, s *stack) {
	t.Helper()
	until(t, time.Minute, func() error {
		var loaded rules
		if err := getJSON(t.Context(), s.http("HAL9_PROMETHEUS_PORT", "/api/v1/rules"), &loaded); err != nil {
			return err
		}
		n := 0
		for _, group := range loaded.Data.Groups {
			for _, rule := range group.Rules {
				n++
				if rule.Health != "ok" {
					return fmt.Errorf("%s is %s: %s", rule.Name, rule.Health, rule.LastError)
				}
				if rule.State == "firing" {
					return fmt.Errorf("%s fires", rule.Name)
				}
			}
		}
		if n == 0 {
			return errors.New("no rules")
		}
		return nil
	})
}

// quiet are panels that show nothing as long as nothing of the kind happened, by dashboard and title.
var quiet = []string{"Alerts of objectives"}

// checkDashboards runs the query of every panel, as Grafana would.
func checkDashboards(t *testing.T, s *stack) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.root, "deploy/dashboards/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	asked := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(data, &board); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, panel := range board.Panels {
			for _, target := range panel.Targets {
				asked++
				checkQuery(t, s, filepath.Base(file)+": "+panel.Title, target.Expr, slices.Contains(quiet, panel.Title))
			}
		}
	}
	t.Logf("%d queries of dashboards answered", asked)
}

func checkQuery(t *testing.T, s *stack, where, expr string, mayBeEmpty bool) {
	t.Helper()
	expr = strings.NewReplacer("$__rate_interval", "1m", "$layer", ".*").Replace(expr)
	var answer struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	err := getJSON(t.Context(), s.http("HAL9_PROMETHEUS_PORT", "/api/v1/query?query="+url.QueryEscape(expr)), &answer)
	switch {
	case err != nil || answer.Status != "success":
		t.Errorf("%s: %v %s\n  %s", where, err, answer.Error, expr)
	case len(answer.Data.Result) == 0 && !mayBeEmpty:
		t.Errorf("%s: no data\n  %s", where, expr)
	}
}

// checkTraces requires that Jaeger has traces of HAL9.
func checkTraces(t *testing.T, s *stack) {
	t.Helper()
	until(t, time.Minute, func() error {
		var found struct{ Data []json.RawMessage }
		if err := getJSON(t.Context(), s.http("HAL9_JAEGER_PORT", "/api/traces?service=hal9&limit=5"), &found); err != nil {
			return err
		}
		if len(found.Data) == 0 {
			return errors.New("no traces of the service hal9")
		}
		return nil
	})
}

// checkGrafana requires that anybody may look at the dashboards, and that their source of data answers.
func checkGrafana(t *testing.T, s *stack) {
	t.Helper()
	until(t, time.Minute, func() error {
		var boards []struct{ UID string }
		if err := getJSON(t.Context(), s.http("HAL9_GRAFANA_PORT", "/api/search?tag=hal9"), &boards); err != nil {
			return err
		}
		if len(boards) < 3 {
			return fmt.Errorf("%d dashboards: %v", len(boards), boards)
		}
		_, err := get(t.Context(), s.http("HAL9_GRAFANA_PORT", "/api/datasources/proxy/uid/prometheus/api/v1/query?query=up"))
		return err
	})
}
