package kube

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// HoldKind is what holds pods back.
type HoldKind string

// Kinds of holds.
const (
	HoldUnschedulable HoldKind = "unschedulable"
	HoldQuota         HoldKind = "quota"
	HoldRefused       HoldKind = "refused" // the API server lets no such pod be made
	HoldImage         HoldKind = "image"
	HoldConfig        HoldKind = "config" // a ConfigMap, a Secret or a volume that is not there
	HoldOOM           HoldKind = "oom"
	HoldCrash         HoldKind = "crash"
	HoldProbe         HoldKind = "probe"
	HoldInit          HoldKind = "init"     // an init container runs, and may wait for something
	HoldStarting      HoldKind = "starting" // nothing wrong as far as can be seen
)

// Hold is what holds pods back, of those of one workload.
type Hold struct {
	Kind      HoldKind `json:"kind"`
	Pods      []string `json:"pods,omitempty"`      // those concerned
	Container string   `json:"container,omitempty"` // of theirs; "" where it is none's
	What      string   `json:"what"`                // one line for people
	Detail    string   `json:"detail"`              // what Kubernetes says
	Log       []string `json:"log,omitempty"`       // last lines of the container
}

// Holds says what holds back the pods of a workload that are not ready. Events are those of the namespace.
func Holds(w *Workload, pods []Pod, sets []Workload, events []Event) []Hold {
	var found []Hold
	add := func(h Hold) {
		at := slices.IndexFunc(found, func(old Hold) bool { return old.Kind == h.Kind && old.What == h.What })
		if at < 0 {
			found = append(found, h)
			return
		}
		found[at].Pods = append(found[at].Pods, h.Pods...)
	}
	if h, ok := refusal(w, sets, events); ok {
		add(h)
	}
	for i := range pods {
		if p := &pods[i]; !p.Ready() && p.Metadata.DeletionTimestamp == nil {
			add(holdOf(p, events))
		}
	}
	slices.SortStableFunc(found, func(a, b Hold) int { return cmp.Compare(rank(a.Kind), rank(b.Kind)) })
	return found
}

func rank(kind HoldKind) int {
	return slices.Index([]HoldKind{
		HoldQuota, HoldRefused, HoldUnschedulable, HoldImage, HoldConfig, HoldOOM, HoldCrash, HoldProbe, HoldInit, HoldStarting,
	}, kind)
}

// refusal says why pods are not even made.
func refusal(w *Workload, sets []Workload, events []Event) (Hold, bool) {
	message := ""
	if c := ConditionOf(w.Status.Conditions, "ReplicaFailure"); c.Status == "True" {
		message = c.Message
	}
	for i := range sets {
		if c := ConditionOf(sets[i].Status.Conditions, "ReplicaFailure"); c.Status == "True" {
			message = c.Message
		}
	}
	if message == "" && w.Status.Replicas < w.Wanted() {
		for i := range events {
			e := &events[i]
			if e.Reason == "FailedCreate" && strings.HasPrefix(e.InvolvedObject.Name, w.Metadata.Name+"-") && time.Since(e.At()) < 10*time.Minute {
				message = e.Message
			}
		}
	}
	if message == "" {
		return Hold{}, false
	}
	missing := w.Wanted() - w.Status.Replicas
	if m := quotaText.FindStringSubmatch(message); m != nil {
		what := fmt.Sprintf("quota %s: %s of %s used, a pod more asks for %s", m[1], m[3], m[4], m[2])
		return Hold{Kind: HoldQuota, What: fmt.Sprintf("%d pods can't be made: %s", missing, what), Detail: message}, true
	}
	return Hold{Kind: HoldRefused, What: fmt.Sprintf("%d pods can't be made: %s", missing, tail(message)), Detail: message}, true
}

var quotaText = regexp.MustCompile(`exceeded quota: ([^,]+), requested: (.+), used: (.+), limited: (.+)$`)

// tail keeps what stands behind the last "is forbidden: ".
func tail(message string) string {
	if _, rest, ok := strings.Cut(message, "is forbidden: "); ok {
		return rest
	}
	return message
}

// holdOf says what holds one pod back.
func holdOf(p *Pod, events []Event) Hold {
	h := Hold{Pods: []string{p.Metadata.Name}}
	if c := ConditionOf(p.Status.Conditions, "PodScheduled"); c.Status == "False" {
		h.Kind, h.What, h.Detail = HoldUnschedulable, "no node takes them: "+scheduling(c.Message), c.Message
		return h
	}
	for _, list := range [][]ContainerStatus{p.Status.Init, p.Status.Containers} {
		for i := range list {
			if containerHold(&h, &list[i]) {
				h.Container = list[i].Name
				return h
			}
		}
	}
	if e, ok := lastEvent(p, events, "Unhealthy"); ok && p.Status.Phase == "Running" {
		h.Kind, h.What, h.Detail = HoldProbe, "they run and do not get ready: "+short(e.Message), e.Message
		h.Container = notReady(p.Status.Containers)
		return h
	}
	for _, reason := range []string{"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"} {
		if e, ok := lastEvent(p, events, reason); ok {
			h.Kind, h.What, h.Detail = HoldConfig, "they can't start: "+short(e.Message), e.Message
			return h
		}
	}
	if p.Status.Phase == "Failed" {
		h.Kind, h.What, h.Detail = HoldCrash, "they failed: "+p.Status.Reason, p.Status.Message
		return h
	}
	if h.Container = notReady(p.Status.Init); h.Container != "" {
		h.Kind, h.What, h.Detail = HoldInit, "they wait for their init container "+h.Container, "phase "+p.Status.Phase
		return h
	}
	h.Kind, h.What, h.Detail = HoldStarting, "they start", "phase "+p.Status.Phase
	return h
}

// notReady returns the first container that runs and is not ready: of init containers the one that has not done its work.
func notReady(list []ContainerStatus) string {
	for i := range list {
		if list[i].State.Running != nil && !list[i].Ready {
			return list[i].Name
		}
	}
	return ""
}

// containerHold reports whether a container is what holds its pod back.
func containerHold(h *Hold, s *ContainerStatus) bool {
	last, now := s.LastState.Terminated, s.State.Terminated
	if now != nil && now.ExitCode != 0 {
		last = now
	}
	if !s.Ready && last != nil && last.Reason == "OOMKilled" {
		h.Kind, h.What = HoldOOM, "killed for want of memory (OOMKilled)"
		h.Detail = fmt.Sprintf("container %s, exit code %d, %d restarts", s.Name, last.ExitCode, s.RestartCount)
		return true
	}
	if w := s.State.Waiting; w != nil {
		switch w.Reason {
		case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable":
			h.Kind, h.What, h.Detail = HoldImage, "image "+s.Image+" can't be pulled", w.Reason+": "+w.Message
			return true
		case "CreateContainerConfigError", "CreateContainerError":
			h.Kind, h.What, h.Detail = HoldConfig, "they can't start: "+short(w.Message), w.Reason+": "+w.Message
			return true
		case "CrashLoopBackOff":
			h.Kind, h.What, h.Detail = HoldCrash, "they crash again and again", fmt.Sprintf("container %s, %d restarts", s.Name, s.RestartCount)
			if last != nil {
				h.What += fmt.Sprintf(", last with exit code %d", last.ExitCode)
			}
			return true
		}
	}
	if now != nil && now.ExitCode != 0 {
		h.Kind, h.What = HoldCrash, fmt.Sprintf("they crash with exit code %d", now.ExitCode)
		h.Detail = fmt.Sprintf("container %s, %s", s.Name, now.Reason)
		return true
	}
	return false
}

var (
	insufficient = regexp.MustCompile(`(\d+) Insufficient ([^\s,.]+)`)
	taint        = regexp.MustCompile(`untolerated taint(?:\(s\))? ?(?:\{([^}]*)\})?`)
)

// scheduling says why no node takes a pod: which resource, which taint.
func scheduling(message string) string {
	var reasons []string
	for _, m := range insufficient.FindAllStringSubmatch(message, -1) {
		reasons = append(reasons, fmt.Sprintf("too little %s on %s nodes", m[2], m[1]))
	}
	if m := taint.FindStringSubmatch(message); m != nil {
		reasons = append(reasons, strings.TrimSpace("taint "+strings.TrimSuffix(strings.TrimSpace(m[1]), ":")))
	}
	for text, reason := range map[string]string{
		"topology spread": "topology spread constraints", "anti-affinity": "anti-affinity", "node affinity": "node affinity or selector",
		"unbound immediate PersistentVolumeClaims": "a volume claim without volume", "were unschedulable": "cordoned nodes",
	} {
		if strings.Contains(message, text) {
			reasons = append(reasons, reason)
		}
	}
	slices.Sort(reasons)
	if len(reasons) == 0 {
		return short(message)
	}
	return strings.Join(slices.Compact(reasons), ", ")
}

// lastEvent returns the last event of a reason about a pod.
func lastEvent(p *Pod, events []Event, reason string) (last Event, ok bool) {
	for i := range events {
		e := &events[i]
		if e.Reason == reason && e.InvolvedObject.Name == p.Metadata.Name && (!ok || e.At().After(last.At())) {
			last, ok = *e, true
		}
	}
	return last, ok
}

func short(text string) string {
	text = strings.TrimSpace(strings.Split(text, "\n")[0])
	if runes := []rune(text); len(runes) > 160 {
		return string(runes[:159]) + "…"
	}
	return text
}
