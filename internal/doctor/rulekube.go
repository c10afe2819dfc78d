package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/2lab-ai/hal9/internal/emergency"
	"github.com/2lab-ai/hal9/layers"
)

// inCluster reports whether a layer runs in the Kubernetes that was looked at.
func (f *Facts) inCluster(layer layers.Name) bool {
	return f.Kubernetes != nil && slices.ContainsFunc(f.Kubernetes.Workloads, func(w WorkloadLine) bool { return w.Name == emergency.Deployment(layer) })
}

// findKubernetes says what is wrong in the cluster.
func findKubernetes(f *Facts) []Finding {
	k := f.Kubernetes
	if k == nil {
		return nil
	}
	if k.Error != "" {
		return []Finding{{
			ID: "kubernetes-unreachable", Severity: SeverityCritical, What: "Kubernetes can't be looked at",
			Evidence: []string{k.Error}, Commands: []Command{look(f.kubectl("get pods"), "what kubectl itself says")},
		}}
	}
	findings := slices.Concat(findNothing(f), findWorkloads(f), findPods(f), findScalers(f), findEmergencies(f))
	if len(k.Nodes) > 0 {
		findings = append(findings, Finding{
			ID: "node", Severity: SeverityWarning, What: plural(len(k.Nodes), "node") + " not well",
			Evidence: []string{few(k.Nodes, shownOf)}, Commands: []Command{look(f.kubectl("get nodes"), "")},
		})
	}
	return append(findings, findImages(f)...)
}

// findNothing says that HAL9 is not where it was said to be.
func findNothing(f *Facts) []Finding {
	k := f.Kubernetes
	if f.Options.Kubernetes != KubernetesOn || slices.ContainsFunc(k.Workloads, func(w WorkloadLine) bool { return w.Kind == "Deployment" }) {
		return nil
	}
	return []Finding{{
		ID: "kubernetes-empty", Severity: SeverityCritical, What: "nothing of HAL9 runs in namespace " + k.Client.Namespace + " of " + k.Place.Server,
		Evidence: []string{"no Deployment there is HAL9's: never applied, or another namespace or cluster"},
		Commands: []Command{look(f.kubectl("get deployments --all-namespaces --selector app.kubernetes.io/name=hal9"), "where it runs: then hal9 doctor --namespace, --context")},
	}}
}

// findWorkloads says which pods are not there, and what holds them back.
func findWorkloads(f *Facts) (list []Finding) {
	for i := range f.Kubernetes.Workloads {
		w := &f.Kubernetes.Workloads[i]
		if w.Ready >= w.Wanted {
			continue
		}
		finding := Finding{
			ID: "pods", Severity: SeverityWarning, What: fmt.Sprintf("%s: %d of %s ready", w.Name, w.Ready, plural(w.Wanted, "pod")),
			Commands: []Command{look(f.kubectl("get pods --selector "+componentOf(w.Name)+" -o wide"), "")},
		}
		if w.Ready == 0 {
			finding.Severity = SeverityCritical
		}
		for j := range w.Holds {
			h := &w.Holds[j]
			text := string(h.Kind) + ": " + h.What
			if len(h.Pods) > 0 {
				text = plural(len(h.Pods), "pod") + " " + text
			}
			if j == 0 {
				finding.What += ": " + h.What
				if text = ""; h.Detail != "" {
					text = h.Detail
				}
			}
			finding.Evidence = append(finding.Evidence, text)
			if len(h.Log) > 0 {
				finding.Evidence = append(finding.Evidence, "its log ends: "+redact(strings.Join(h.Log[max(0, len(h.Log)-2):], " / ")))
			}
			if j == 0 {
				advice := emergency.Advice(h, f.Kubernetes.Client)
				finding.Commands = append([]Command{{Run: advice, Changes: strings.Contains(advice, " set resources "), Advice: strings.Contains(advice, " POD")}}, finding.Commands...)
			}
		}
		list = append(list, finding)
	}
	return list
}

func componentOf(name string) string {
	return "app.kubernetes.io/component=" + strings.TrimPrefix(name, "hal9-")
}

// findPods says which containers were killed or restart again and again.
func findPods(f *Facts) (list []Finding) {
	if killed := f.Kubernetes.Killed; len(killed) > 0 {
		list = append(list, Finding{
			ID: "oom-kill", Severity: SeverityWarning, What: plural(len(killed), "container") + " killed for want of memory in 24 hours",
			Evidence: killed[:min(len(killed), shownOf)],
			Commands: []Command{look(f.kubectl("top pods"), "who uses how much"), run(f.kubectl("set resources deployment/NAME --limits memory=8Gi"), "a larger bound; restarts its pods")},
		})
	}
	if restarts := f.Kubernetes.Restarts; len(restarts) > 0 {
		pod, _, _ := strings.Cut(restarts[0], ":")
		list = append(list, Finding{
			ID: "restarts", Severity: SeverityWarning, What: plural(len(restarts), "container") + " that started again and again",
			Evidence: restarts[:min(len(restarts), shownOf)], Commands: []Command{look(f.kubectl("logs "+pod+" --previous --tail 50"), "what it said before it ended")},
		})
	}
	return list
}

// findScalers says which autoscalers do not do their work.
func findScalers(f *Facts) (list []Finding) {
	for _, s := range f.Kubernetes.Scalers {
		describe := look(f.kubectl("describe scaledobject "+s.Name), "what KEDA says")
		layer := strings.ToUpper(strings.TrimPrefix(s.Name, "hal9-"))
		scale := run(f.emergencyScale("--layer "+layer), "more replicas now; without --yes it only shows")
		switch {
		case s.Paused != "" && !f.underEmergency(layer):
			list = append(list, Finding{
				ID: "scaler-paused", Severity: SeverityWarning, What: s.Name + " is paused: nothing scales it", Evidence: []string{"annotation " + s.Paused},
				Commands: []Command{describe, run(f.kubectl("annotate scaledobject "+s.Name+" autoscaling.keda.sh/"+pausedName(s.Paused)+"-"), "let KEDA scale again")},
			})
		case s.Fallback, strings.HasPrefix(s.Ready, "False"):
			list = append(list, Finding{
				ID: "scaler-fails", Severity: SeverityWarning, What: s.Name + ": KEDA gets no metric and does not follow the load", Evidence: []string{"ready: " + s.Ready, fmt.Sprintf("fallback: %t", s.Fallback)},
				Commands: []Command{look(f.kubectl("logs deployment/hal9-scaler --since 10m"), "what the scaler says"), describe, scale},
			})
		case s.AtMost && f.isBehind(layer):
			list = append(list, Finding{
				ID: "scaler-at-max", Severity: SeverityWarning, What: fmt.Sprintf("%s has all %d replicas that it may have, and is behind", s.Name, s.Max),
				Evidence: []string{"the HPA wants at least as many as its maximum"}, Commands: []Command{run(f.emergencyScale(fmt.Sprintf("--layer %s --replicas %d", layer, 2*s.Max)), "more; without --yes it only shows")},
			})
		}
	}
	return list
}

func pausedName(annotation string) string {
	name, _, _ := strings.Cut(annotation, ":")
	return name
}

func (f *Facts) underEmergency(layer string) bool {
	return slices.ContainsFunc(f.Kubernetes.Emergency, func(e emergencyLine) bool { return e.Layer == layer })
}

func (f *Facts) isBehind(layer string) bool {
	for _, line := range layerLines(f) {
		if line.Layer == layer {
			return line.Known && line.Oldest > lateAfter
		}
	}
	return false
}

// findEmergencies says which emergencies are under way, and which should have been taken back.
func findEmergencies(f *Facts) (list []Finding) {
	for _, e := range f.Kubernetes.Emergency {
		finding := Finding{
			ID: "emergency", Severity: SeverityNote, What: fmt.Sprintf("%s has %d replicas by hal9 emergency, for another %s", e.Layer, e.Replicas, age(e.Until.Sub(f.At))),
			Evidence: []string{"by " + e.By + ", until " + e.Until.UTC().Format("15:04 MST on 2 January")},
			Commands: []Command{look(f.emergency("restore"), "what taking it back would do"), run(f.emergency("restore --yes"), "take it back")},
		}
		if f.At.After(e.Until) {
			finding.ID, finding.Severity = "emergency-expired", SeverityWarning
			finding.What = fmt.Sprintf("%s still has %d replicas by hal9 emergency: to be taken back %s ago", e.Layer, e.Replicas, age(f.At.Sub(e.Until)))
		}
		list = append(list, finding)
	}
	return list
}

// findImages says that workloads run several images.
func findImages(f *Facts) []Finding {
	images := map[string][]string{}
	for name, image := range f.Kubernetes.Images {
		images[image] = append(images[image], name)
	}
	if len(images) < 2 {
		return nil
	}
	var evidence []string
	for _, image := range slices.Sorted(maps.Keys(images)) {
		slices.Sort(images[image])
		evidence = append(evidence, image+": "+few(images[image], 5))
	}
	return []Finding{{
		ID: "image-skew", Severity: SeverityWarning, What: "workloads of " + plural(len(images), "image") + " run side by side", Evidence: evidence,
		Commands: []Command{look(f.kubectl("rollout status deployment --watch=false --selector app.kubernetes.io/name=hal9"), "is a rollout under way, or stuck?")},
	}}
}
