package deploy_test

import (
	"maps"
	"slices"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
)

// peer is one end of a connection: a pod in a namespace, or an address outside the cluster.
type peer struct {
	namespace map[string]string // labels; nil for HAL9's own
	pod       map[string]string // labels; nil for an address
}

func own(component string) peer {
	return peer{pod: map[string]string{"app.kubernetes.io/name": "hal9", "app.kubernetes.io/component": component}}
}

func in(namespace string, more, pod map[string]string) peer {
	labels := map[string]string{"kubernetes.io/metadata.name": namespace}
	maps.Copy(labels, more)
	return peer{namespace: labels, pod: pod}
}

// checkPolicies asks who may speak to whom.
func checkPolicies(t *testing.T, v variant, m *manifest) {
	t.Helper()
	client := in("shop", map[string]string{"hal9.2lab.ai/client": "true"}, map[string]string{"app": "shop"})
	stranger := in("shop", nil, map[string]string{"app": "shop"})
	keda := in("keda", nil, map[string]string{"app": "keda-operator"})
	prometheus := in("monitoring", nil, map[string]string{"app.kubernetes.io/name": "prometheus"})
	collector := in("monitoring", nil, map[string]string{"app": "otel-collector"})
	dns := in("kube-system", nil, map[string]string{"k8s-app": "kube-dns"})
	world := peer{}
	nats := v.overlay != "production-external-nats"
	type path struct {
		from, to peer
		port     int32
		want     bool
	}
	var paths []path
	for _, component := range append([]string{"web", "scaler", "provision"}, layerNames...) {
		from := own(component)
		if nats {
			paths = append(paths, path{from, own("nats"), 4222, true}, path{from, world, 4222, false})
		} else {
			paths = append(paths, path{from, world, 4222, true})
		}
		paths = append(paths, path{from, dns, 53, true}, path{from, stranger, 80, false},
			path{from, world, 443, component == "l4" && v.has("webhooks")})
		if component != "provision" {
			paths = append(paths, path{prometheus, from, 9099, v.has("monitoring")}, path{stranger, from, 9099, false})
		}
	}
	paths = append(paths, path{own("web"), collector, 4317, v.has("tracing")}, path{client, own("web"), 9099, true}, path{client, own("l1"), 9099, false},
		path{keda, own("scaler"), 9098, true}, path{client, own("scaler"), 9098, false})
	if nats {
		paths = append(paths, path{client, own("nats"), 4222, true}, path{stranger, own("nats"), 4222, false},
			path{client, own("nats"), 8222, false}, path{keda, own("nats"), 8222, v.has("keda-stock")}, path{keda, own("nats"), 4222, false},
			path{own("l1"), own("nats"), 8222, false}, path{own("nats"), dns, 53, true},
			path{own("nats"), own("nats"), 6222, v.overlay == "production"}, path{own("l1"), own("nats"), 6222, false})
	}
	for _, p := range paths {
		if got := m.allows(t, p.from, p.to, p.port); got != p.want {
			t.Errorf("%v to %v on %d: allowed %t, want %t", p.from, p.to, p.port, got, p.want)
		}
	}
}

// allows evaluates the policies of HAL9's namespace as Kubernetes defines them: a pod that a policy of a direction selects
// may do in it what some such policy allows.
func (m *manifest) allows(t *testing.T, from, to peer, port int32) bool {
	t.Helper()
	return m.permits(t, from, to, port, networkingv1.PolicyTypeEgress) && m.permits(t, to, from, port, networkingv1.PolicyTypeIngress)
}

// permits looks at one end of a connection: own is where the policy applies, other the far end.
func (m *manifest) permits(t *testing.T, own, other peer, port int32, direction networkingv1.PolicyType) bool {
	t.Helper()
	if own.namespace != nil || own.pod == nil {
		return true // not HAL9's: its policies say nothing
	}
	selected, allowed := false, false
	for i := range m.policies {
		p := &m.policies[i]
		if !matches(t, &p.Spec.PodSelector, own.pod) || !slices.Contains(p.Spec.PolicyTypes, direction) {
			continue
		}
		selected = true
		if direction == networkingv1.PolicyTypeEgress {
			for _, rule := range p.Spec.Egress {
				allowed = allowed || anyPeer(t, rule.To, other) && m.anyPort(rule.Ports, other, port)
			}
			continue
		}
		for _, rule := range p.Spec.Ingress {
			allowed = allowed || anyPeer(t, rule.From, other) && m.anyPort(rule.Ports, own, port)
		}
	}
	return !selected || allowed
}

func anyPeer(t *testing.T, rules []networkingv1.NetworkPolicyPeer, other peer) bool {
	t.Helper()
	for _, rule := range rules {
		switch {
		case rule.IPBlock != nil:
			if other.pod == nil && rule.IPBlock.CIDR == "0.0.0.0/0" {
				return true
			}
		case other.pod == nil:
		case rule.NamespaceSelector == nil:
			if other.namespace == nil && matches(t, rule.PodSelector, other.pod) {
				return true
			}
		default:
			namespace := other.namespace
			if namespace == nil {
				namespace = map[string]string{"kubernetes.io/metadata.name": "hal9"}
			}
			if matches(t, rule.NamespaceSelector, namespace) && (rule.PodSelector == nil || matches(t, rule.PodSelector, other.pod)) {
				return true
			}
		}
	}
	return len(rules) == 0
}

// anyPort reports whether a rule allows the port; a name is that of a port of the pods that are spoken to.
func (m *manifest) anyPort(rules []networkingv1.NetworkPolicyPort, target peer, port int32) bool {
	for _, rule := range rules {
		if rule.Port == nil || rule.Port.IntVal == port {
			return true
		}
		for _, p := range m.pods() {
			if p.component == target.pod["app.kubernetes.io/component"] && rule.Port.StrVal != "" && portOf(&p, rule.Port.StrVal) == port {
				return true
			}
		}
	}
	return len(rules) == 0
}
