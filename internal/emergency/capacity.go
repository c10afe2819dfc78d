package emergency

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/2lab-ai/hal9/internal/kube"
)

// capacity warns where the namespace's quota or the nodes have too little for what is asked. What the user may not look
// at is not warned of.
func capacity(ctx context.Context, c kube.Client, plans []LayerPlan) (warnings []string) {
	more := demand(plans)
	if more["pods"] == 0 {
		return nil
	}
	var quotas kube.List[kube.Quota]
	var nodes kube.List[kube.Node]
	var pods kube.List[kube.Pod]
	var errs [3]error
	var wait sync.WaitGroup
	wait.Go(func() { quotas, errs[0] = kube.Get[kube.List[kube.Quota]](ctx, c, "resourcequotas") })
	wait.Go(func() { nodes, errs[1] = kube.Get[kube.List[kube.Node]](ctx, c, "nodes") })
	wait.Go(func() { pods, errs[2] = kube.Get[kube.List[kube.Pod]](ctx, c, "pods", "--all-namespaces") })
	wait.Wait()
	if errs[0] == nil {
		warnings = append(warnings, overQuota(quotas.Items, more)...)
	}
	if errs[1] == nil && errs[2] == nil {
		warnings = append(warnings, overNodes(nodes.Items, pods.Items, more)...)
	}
	return warnings
}

// demand is what the additional pods ask for, by resource, and up to which limits, as quotas call them.
func demand(plans []LayerPlan) map[string]kube.Quantity {
	more := map[string]kube.Quantity{}
	for i := range plans {
		p := &plans[i]
		if p.Idle != "" {
			continue
		}
		w := &p.Standing.Deployment.Is
		pods := kube.Quantity(max(0, p.Record.Replicas-w.Wanted()))
		more["pods"] += pods * 1000
		for _, resource := range []string{"cpu", "memory"} {
			more[resource] += pods * w.Spec.Template.Spec.Requests(resource)
			more["limits."+resource] += pods * w.Spec.Template.Spec.Limits(resource)
		}
	}
	return more
}

// overQuota says which quotas would be exceeded.
func overQuota(quotas []kube.Quota, more map[string]kube.Quantity) (warnings []string) {
	for i := range quotas {
		q := &quotas[i]
		for name, hard := range q.Status.Hard {
			resource := strings.TrimPrefix(name, "requests.")
			bound, err := kube.ParseQuantity(hard)
			used, _ := kube.ParseQuantity(q.Status.Used[name])
			if extra, known := more[resource]; err == nil && known && extra > 0 && used+extra > bound {
				warnings = append(warnings, fmt.Sprintf("quota %s: %s %s of %s are used, %s more are asked for: not all pods will be made",
					q.Metadata.Name, name, used.Text(resource), bound.Text(resource), extra.Text(resource)))
			}
		}
	}
	slices.Sort(warnings)
	return warnings
}

// overNodes says what all nodes together have too little of. That it would fit does not say that a single node has room.
func overNodes(nodes []kube.Node, pods []kube.Pod, more map[string]kube.Quantity) (warnings []string) {
	room := map[string]kube.Quantity{}
	usable := map[string]bool{}
	for i := range nodes {
		n := &nodes[i]
		if n.Spec.Unschedulable || kube.ConditionOf(n.Status.Conditions, "Ready").Status != "True" {
			continue
		}
		usable[n.Metadata.Name] = true
		for _, resource := range []string{"cpu", "memory", "pods"} {
			q, _ := kube.ParseQuantity(n.Status.Allocatable[resource])
			room[resource] += q
		}
	}
	for i := range pods {
		p := &pods[i]
		if !usable[p.Spec.NodeName] || p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed" {
			continue
		}
		room["pods"] -= 1000
		for _, resource := range []string{"cpu", "memory"} {
			room[resource] -= p.Spec.Requests(resource)
		}
	}
	for _, resource := range []string{"cpu", "memory", "pods"} {
		if extra := more[resource]; extra > room[resource] {
			warnings = append(warnings, fmt.Sprintf("%d nodes have %s %s left, %s more are asked for: some pods will wait for nodes",
				len(usable), max(0, room[resource]).Text(resource), resource, extra.Text(resource)))
		}
	}
	return warnings
}
