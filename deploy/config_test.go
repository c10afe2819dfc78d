package deploy_test

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/config"
	"github.com/2lab-ai/hal9/internal/e2e/proctest"
	"github.com/2lab-ai/hal9/internal/natsserver"
)

func checkConfiguration(t *testing.T, _ variant, m *manifest) {
	t.Helper()
	if _, err := config.Parse("hal9.yaml", []byte(m.config(t, "hal9-config")["hal9.yaml"])); err != nil {
		t.Error(err)
	}
}

// TestCommandsAndVariablesAreThoseOfHAL9 runs each container's command with --help: a flag or variable of which it knows nothing
// would end the pod, or be of no effect.
func TestCommandsAndVariablesAreThoseOfHAL9(t *testing.T) {
	builder := &proctest.Builder{}
	t.Cleanup(builder.Remove)
	program, err := builder.Path()
	if err != nil {
		t.Fatal(err)
	}
	m := render(t, source(t), variant{overlay: "production-external-nats"})
	for _, p := range m.pods() {
		for _, c := range p.containers() {
			t.Run(p.owner+"/"+c.Name, func(t *testing.T) { checkCommand(t, m, program, &c) })
		}
	}
}

func checkCommand(t *testing.T, m *manifest, program string, c *corev1.Container) {
	t.Helper()
	help, err := exec.CommandContext(t.Context(), program, append(c.Args, "--help")...).CombinedOutput()
	if err != nil || !strings.Contains(string(help), "hal9 "+c.Args[0]) {
		t.Fatalf("hal9 %v --help: %v\n%s", c.Args, err, help)
	}
	var names []string
	for _, e := range c.Env {
		names = append(names, e.Name)
	}
	for _, from := range c.EnvFrom {
		name := from.ConfigMapRef.Name
		for key := range m.config(t, name[:strings.LastIndex(name, "-")]) {
			names = append(names, key)
		}
	}
	for _, name := range names {
		flag, ok := strings.CutPrefix(name, "HAL9_")
		if !ok {
			continue // GOMEMLIMIT and the like
		}
		flag = "--" + strings.ReplaceAll(strings.ToLower(flag), "_", "-")
		if !slices.Contains(strings.Fields(string(help)), flag) {
			t.Errorf("%s: hal9 %s has no flag %s:\n%s", name, c.Args[0], flag, help)
		}
	}
}

// natsOptions reads nats.conf as nats-server does.
func natsOptions(t *testing.T, m *manifest) *server.Options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, []byte(m.config(t, "hal9-nats")["nats.conf"]), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("POD_NAME", "hal9-nats-0")
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return options
}

// TestServersTakeTheSameSignals: what fits on a laptop fits everywhere.
func TestServersTakeTheSameSignals(t *testing.T) {
	want := natsserver.DefaultConfig().MaxPayload
	compose, err := server.ProcessConfigFile("compose/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int32{"compose": compose.MaxPayload}
	for _, overlay := range []string{"local", "production"} {
		got[overlay] = natsOptions(t, render(t, source(t), variant{overlay: overlay})).MaxPayload
	}
	for name, size := range got {
		if size != want {
			t.Errorf("max_payload of %s is %d, that of hal9 up %d", name, size, want)
		}
	}
}

// TestServersAreConfiguredAsTheirPods compares nats.conf with the StatefulSet around it.
func TestServersAreConfiguredAsTheirPods(t *testing.T) {
	for _, overlay := range []string{"local", "production"} {
		t.Run(overlay, func(t *testing.T) {
			m := render(t, source(t), variant{overlay: overlay})
			options, set := natsOptions(t, m), m.statefulSets[0]
			p := m.pods()[slices.IndexFunc(m.pods(), func(p pod) bool { return p.component == "nats" })]
			if options.ServerName != "hal9-nats-0" || options.StoreDir != "/data" || options.PidFile != "/run/nats/nats.pid" {
				t.Errorf("name %q, store %q, pid file %q", options.ServerName, options.StoreDir, options.PidFile)
			}
			if options.Port != int(portOf(&p, "client")) || options.HTTPPort != int(portOf(&p, "monitor")) || options.Cluster.Port != int(portOf(&p, "cluster")) {
				t.Errorf("ports %d, %d, %d are not those of the pod", options.Port, options.HTTPPort, options.Cluster.Port)
			}
			if got, want := len(options.Routes), int(*set.Spec.Replicas); want > 1 && got != want {
				t.Errorf("%d routes for %d servers", got, want)
			}
			for i, route := range options.Routes {
				if want := "hal9-nats-" + strconv.Itoa(i) + "." + set.Spec.ServiceName; route.Hostname() != want {
					t.Errorf("route to %s, want %s", route.Hostname(), want)
				}
			}
			for _, folder := range []string{options.StoreDir, filepath.Dir(options.PidFile)} {
				mounts := p.template.Spec.Containers[0].VolumeMounts
				if !slices.ContainsFunc(mounts, func(m corev1.VolumeMount) bool { return m.MountPath == folder && !m.ReadOnly }) {
					t.Errorf("%s is no volume: the root is read-only", folder)
				}
			}
			volume := set.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests.Storage().Value()
			if share := float64(options.JetStreamMaxStore) / float64(volume); share < 0.5 || share > 0.85 {
				t.Errorf("max_file_store is %.2f of the volume: want room for Raft logs, and no waste", share)
			}
			if grace := *set.Spec.Template.Spec.TerminationGracePeriodSeconds; float64(grace) < (options.LameDuckDuration+options.LameDuckGracePeriod).Seconds()+30 {
				t.Errorf("grace period of %d s for a lame duck of %s", grace, options.LameDuckDuration)
			}
		})
	}
}

// TestStoreHoldsTheTopology provisions a server that has as much room as one of the StatefulSet: JetStream refuses streams whose
// bounds together are more.
func TestStoreHoldsTheTopology(t *testing.T) {
	for _, overlay := range []string{"local", "production"} {
		t.Run(overlay, func(t *testing.T) {
			m := render(t, source(t), variant{overlay: overlay})
			topology := bus.DefaultTopology()
			set := m.config(t, "hal9-topology")
			var err error
			if topology.Partitions, err = strconv.Atoi(set["HAL9_PARTITIONS"]); err != nil {
				t.Fatal(err)
			}
			if topology.StoreBytes, err = strconv.ParseInt(set["HAL9_STORE_BYTES"], 10, 64); err != nil {
				t.Fatal(err)
			}
			cfg := natsserver.DefaultConfig()
			cfg.Port, cfg.DataDir, cfg.MaxStore = 0, t.TempDir(), natsOptions(t, m).JetStreamMaxStore
			nats, err := natsserver.Start(cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer nats.Stop()
			to := bus.DefaultConfig()
			to.URL = nats.URL()
			b, err := bus.Connect(to, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if err := b.Provision(t.Context(), topology); err != nil {
				t.Errorf("max_file_store of %d bytes: %v", cfg.MaxStore, err)
			}
		})
	}
}

// TestAlertsAreOneAndTheSame asserts that the Prometheus Operator gets the alerts that any other Prometheus gets.
func TestAlertsAreOneAndTheSame(t *testing.T) {
	type rules struct {
		Groups []any `json:"groups"`
	}
	var want rules
	data, err := os.ReadFile("alerts/hal9.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	m := render(t, source(t), variant{"production", []string{"monitoring"}})
	var got rules
	if err := yaml.Unmarshal(m.spec(t, "PrometheusRule/hal9"), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("copy the groups of alerts/hal9.yaml into components/monitoring/prometheusrule.yaml (-alerts +rule):\n%s", diff)
	}
}

// TestDockerignoreLetsTheSourceIn asserts that the image is built from every package that hal9 needs.
func TestDockerignoreLetsTheSourceIn(t *testing.T) {
	ignore, err := os.ReadFile("../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}", "./cmd/hal9")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		folder := strings.TrimPrefix(name, "github.com/2lab-ai/hal9/")
		top, _, _ := strings.Cut(folder, "/")
		if !regexp.MustCompile(`(?m)^!`+top+`$`).Match(ignore) || regexp.MustCompile(`(?m)^`+folder+`$`).Match(ignore) {
			t.Errorf(".dockerignore keeps %s out of the image's build", folder)
		}
	}
}

// TestNATSIsOfTheEmbeddedVersion: what works on a laptop is what compose and Kubernetes run.
func TestNATSIsOfTheEmbeddedVersion(t *testing.T) {
	image := "nats:" + server.VERSION + "-alpine"
	compose, err := os.ReadFile("../docker-compose.yml")
	if err != nil || !strings.Contains(string(compose), "image: "+image+"\n") {
		t.Errorf("docker-compose.yml does not run %s (%v)", image, err)
	}
	found := false
	for _, p := range render(t, source(t), variant{overlay: "production"}).pods() {
		for _, c := range p.containers() {
			if strings.HasPrefix(c.Image, "nats:") {
				found = true
				if c.Image != image {
					t.Errorf("%s runs %s, want %s", p.owner, c.Image, image)
				}
			}
		}
	}
	if !found {
		t.Error("production runs no NATS")
	}
}

// TestMoreRoomForNATS renders what deploy/README.md says for larger volumes.
func TestMoreRoomForNATS(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "### More room for NATS")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	snippet, _, _ := strings.Cut(rest, "```")
	disk := source(t)
	conf, err := disk.ReadFile("/src/deploy/components/nats-cluster/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	const dir = "/src/deploy/overlays/room"
	for name, text := range map[string]string{
		"kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../production]\n" + snippet,
		"nats.conf":          strings.Replace(string(conf), "max_file_store: 56GiB", "max_file_store: 112GiB", 1),
	} {
		if err := disk.WriteFile(filepath.Join(dir, name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	m := render(t, disk, variant{overlay: "room"})
	volume := m.statefulSets[0].Spec.VolumeClaimTemplates[0].Spec.Resources.Requests.Storage()
	if options := natsOptions(t, m); volume.String() != "160Gi" || options.JetStreamMaxStore != 112<<30 {
		t.Errorf("a volume of %s with max_file_store %d, want 160Gi and 112 GiB:\n%s", volume, options.JetStreamMaxStore, snippet)
	}
}
