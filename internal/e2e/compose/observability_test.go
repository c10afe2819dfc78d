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
	sendSome(t, s, 0)
	if slices.Contains(services, "prometheus") {
		checkTargets(t, s)
		checkRules(t, s)
		checkDashboards(t, s, services)
	}
	if slices.Contains(services, "jaeger") {
		checkTraces(t, s)
	}
	if slices.Contains(services, "grafana") {
		checkGrafana(t, s)
	}
}

// sendSome sends signals from the n-th on, so that every panel has something to show, and returns the next.
func sendSome(t *testing.T, s *stack, n int) int {
	t.Helper()
	for range 60 {
		post(t.Context(), s.http("HAL9_PORT", "/v1/signals"), body("panels", n))
		n++
		pause(t.Context(), 100*time.Millisecond)
	}
	return n
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

// checkRules requires that every alert can be evaluated. What fires is only told: on a machine that is busy some do, rightly.
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
					t.Logf("%s fires", rule.Name)
				}
			}
		}
		if n == 0 {
			return errors.New("no rules")
		}
		return nil
	})
}

// quiet says of which queries nothing is expected: compose has no scaler, and traces come from a service of their own.
func quiet(expr string, services []string) bool {
	return strings.Contains(expr, "hal9_scaler_") || strings.Contains(expr, "hal9_traces_") && !slices.Contains(services, "traces")
}

// query is what a panel asks.
type query struct{ where, expr string }

// queries returns those of all dashboards, as Grafana would send them.
func queries(t *testing.T, s *stack) (list []query) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.root, "deploy/dashboards/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
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
				expr := strings.NewReplacer("$__rate_interval", "1m", "$layer", ".*").Replace(target.Expr)
				list = append(list, query{filepath.Base(file) + ": " + panel.Title, expr})
			}
		}
	}
	return list
}

// checkDashboards requires that every panel shows something while signals come in.
func checkDashboards(t *testing.T, s *stack, services []string) {
	t.Helper()
	list := slices.DeleteFunc(queries(t, s), func(q query) bool { return quiet(q.expr, services) })
	n := 0
	until(t, 3*time.Minute, func() error {
		n = sendSome(t, s, n)
		var problems []error
		for _, q := range list {
			problems = append(problems, q.ask(t, s))
		}
		return errors.Join(problems...)
	})
	t.Logf("%d queries of dashboards answered", len(list))
}

// ask returns what is wrong with the answer.
func (q query) ask(t *testing.T, s *stack) error {
	t.Helper()
	var answer struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	err := getJSON(t.Context(), s.http("HAL9_PROMETHEUS_PORT", "/api/v1/query?query="+url.QueryEscape(q.expr)), &answer)
	switch {
	case err != nil || answer.Status != "success":
		return fmt.Errorf("%s: %w %s\n  %s", q.where, err, answer.Error, q.expr)
	case len(answer.Data.Result) == 0:
		return fmt.Errorf("%s: no data\n  %s", q.where, q.expr)
	}
	return nil
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
