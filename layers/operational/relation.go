package operational

import (
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/layers"
)

// token is something that two signals may have in common.
type token struct{ kind, value string }

// Kinds of tokens besides those of labels. Label kinds begin with "=".
const (
	tokenKey     = "key"     // the same entity
	tokenTrace   = "trace"   // the same request
	tokenPattern = "pattern" // a match of the same pattern and group
	tokenNode    = "node"    // the same service of the graph
	tokenQuiet   = "quiet"   // nothing at all comes to their partitions
	tokenSource  = "source"  // the same sender
	tokenBare    = "bare"    // the same sender, of signals without a label that says where they belong
)

// labelKinds says which labels relate signals, and which of them mean the same.
func labelKinds(label string) string {
	switch strings.ToLower(label) {
	case "service", "service.name", "service_name", "job", "app", "application", "app.kubernetes.io/name":
		return "=service"
	case "host", "hostname", "host.name", "host_name", "instance", "node", "server", "k8s.node.name":
		return "=host"
	case "pod", "pod_name", "k8s.pod.name":
		return "=pod"
	case "namespace", "k8s.namespace.name":
		return "=namespace"
	case "cluster", "cluster_name", "k8s.cluster.name":
		return "=cluster"
	case "deployment", "k8s.deployment.name", "statefulset", "daemonset", "replicaset", "owner_name", "created_by_name", "owner",
		"k8s.statefulset.name", "k8s.daemonset.name", "k8s.replicaset.name", "k8s.owner.name":
		return "=deployment"
	case "trace_id", "traceid", "trace.id":
		return tokenTrace
	}
	return ""
}

// tokensOf returns what the signal may share with others, sorted.
func tokensOf(e *layers.Envelope) []token {
	tokens := []token{{tokenKey, keyName(e)}, {tokenSource, sourceOf(e)}}
	labelled := false
	for label, value := range e.Labels {
		kind := labelKinds(label)
		if kind == "" || value == "" {
			continue
		}
		labelled = labelled || kind != tokenTrace
		tokens = append(tokens, placed(kind, value))
	}
	for _, m := range e.Findings.Mentions {
		if kind := labelKinds(m.Kind); kind != "" {
			labelled = true
			tokens = append(tokens, placed(kind, m.Name))
		}
	}
	if parts := strings.Split(e.TraceParent, "-"); len(parts) == 4 && len(parts[1]) == 32 {
		tokens = append(tokens, token{tokenTrace, parts[1]})
	}
	if !labelled {
		tokens = append(tokens, token{tokenBare, sourceOf(e)})
	}
	slices.SortFunc(tokens, compareTokens)
	return slices.Compact(tokens)
}

// placed makes the token of a label: an instance is a host with a port.
func placed(kind, value string) token {
	if kind == "=host" {
		value, _, _ = strings.Cut(value, ":")
	}
	return token{kind, short(value)}
}

func compareTokens(a, b token) int {
	if c := strings.Compare(a.kind, b.kind); c != 0 {
		return c
	}
	return strings.Compare(a.value, b.value)
}

// find returns the open situation that the signal belongs to, or nil: the one it has most in
// common with among those within SituationGap of its event time, the earliest opened of equals.
//
// The same sender is something in common only where one of the two has no label that says where
// it belongs: a metrics server speaks for many services. An alert that belongs to none belongs to the storm that it came in.
func (c *correlator) find(m member) *openSituation {
	bare := slices.ContainsFunc(m.tokens, func(t token) bool { return t.kind == tokenBare })
	shares := map[*openSituation]int{}
	for _, t := range m.tokens {
		if t.kind == tokenStorm {
			continue
		}
		looked, weight := t, weightOf(t.kind)
		if t.kind == tokenSource && !bare {
			looked.kind = tokenBare
		}
		for _, s := range c.related[looked] {
			if c.reaches(s, m) {
				shares[s] += weight
			}
		}
	}
	for _, name := range c.graph.near(m.node) {
		for _, s := range c.related[token{tokenNode, name}] {
			if c.reaches(s, m) {
				shares[s] += weightNear
			}
		}
	}
	var best *openSituation
	for s, share := range shares {
		if best == nil || share > shares[best] || share == shares[best] && s.order < best.order {
			best = s
		}
	}
	if best == nil {
		return c.storm(m)
	}
	return best
}

// reaches reports whether the signal is within SituationGap of the situation's members.
func (c *correlator) reaches(s *openSituation, m member) bool {
	return !m.at.Before(s.public.OpenedAt.Add(-c.cfg.SituationGap)) && !m.at.After(s.public.UpdatedAt.Add(c.cfg.SituationGap))
}

// weightNear is what it means to depend on each other.
const weightNear = 2

// weightOf says how much it means to have this in common.
func weightOf(kind string) int {
	switch kind {
	case tokenTrace:
		return 16
	case tokenKey:
		return 8
	case tokenSource, tokenBare:
		return 1
	default:
		return 3
	}
}

// keyName returns the key as situations name it.
func keyName(e *layers.Envelope) string {
	for _, name := range [...]string{e.Key, e.Source} {
		if name = plain(name, nameMax); name != "" {
			return name
		}
	}
	return "unknown"
}
