package lint

import (
	"fmt"
	"path/filepath"
)

// together finds what objects do to each other.
func together(set []*subject) []Finding {
	var findings []Finding
	first := make(map[string]*subject) // scalers by namespace and target
	for _, s := range set {
		if s.kind != "ScaledObject" && s.kind != "HorizontalPodAutoscaler" || s.target == "" {
			continue
		}
		key := s.namespace + " " + s.target
		other, taken := first[key]
		if !taken {
			first[key] = s
			continue
		}
		if s.kind == other.kind && s.name == other.name {
			if filepath.Dir(s.file) == filepath.Dir(other.file) { // Folders may hold alternatives.
				findings = append(findings, s.finding(SeverityWarning, "twice", "metadata.name", advice{
					"They are one object to Kubernetes: whichever is applied last holds.", "Keep one.",
				}, fmt.Sprintf("it is in %s:%d already", other.file, lineOf(other.node, ""))))
			}
			continue
		}
		findings = append(findings, s.finding(SeverityError, "duplicate-target", "spec.scaleTargetRef", advice{
			"Two autoscalers of one workload undo each other's work every 15 s; KEDA's webhook refuses the second one, where it is installed.",
			"Keep one: a ScaledObject may have several triggers, and the HPA takes the highest.",
		}, fmt.Sprintf("%s is scaled by %s/%s in %s:%d already", s.target, other.kind, other.name, other.file, lineOf(other.node, ""))))
	}
	for _, s := range set {
		scaler, ok := first[s.namespace+" "+s.target]
		if s.kind != "Deployment" && s.kind != "StatefulSet" || !ok || at(s.node, "spec.replicas") == nil {
			continue
		}
		findings = append(findings, s.finding(SeverityWarning, "fixed-replicas", "spec.replicas", advice{
			"Each apply of this file sets the workload back to that number, in the middle of a backlog, too.",
			"Take spec.replicas out: " + scaler.kind + "/" + scaler.name + " has the say.",
		}, fmt.Sprintf("replicas %s of what is autoscaled", text(s.node, "spec.replicas"))))
	}
	return findings
}
