package simulate

import "math"

// The replica calculator, as k8s.io/kubernetes/pkg/controller/podautoscaler/replica_calculator.go (1.37) has it.

// perPod is GetExternalPerPodMetricReplicas: a metric that all replicas share, with a target for each (AverageValue).
func perPod(current int, usage, target float64, isWithin func(float64) bool) int {
	if isWithin(usage / (target * float64(current))) {
		return current
	}
	return ceil(usage / target)
}

// ceil works on thousandths, as Kubernetes' quantities do.
func ceil(x float64) int {
	x = math.Ceil(math.Round(x*1000) / 1000)
	if x > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(x)
}

// cpuWarmup is how long a pod's CPU may be that of its start, seconds (--horizontal-pod-autoscaler-cpu-initialization-period).
const cpuWarmup = 5 * 60

// sample is what metrics-server knows of a pod.
type sample struct {
	usage   float64 // cores
	age     float64 // seconds since the pod was created
	readyAt float64 // seconds from then until it was ready; negative: it is not
	taken   float64 // seconds since the sample was; negative: there is none
}

// utilisation is GetResourceReplicas for CPU: the mean of the pods that count. Those that are not ready, or have no sample
// yet, count as idle before more are asked for; those without a sample as fully busy before fewer are. target is in percent of
// the request. ok is false where there is no sample that counts.
func utilisation(pods []sample, current, target int, isWithin func(float64) bool) (replicas int, ok bool) {
	var used []float64
	unready, missing := 0, 0
	for _, p := range pods {
		switch {
		case p.readyAt < 0:
			unready++
		case p.taken < 0:
			missing++
		case p.age < cpuWarmup && p.age-p.taken < p.readyAt+scrapeEvery: // It is from before the pod was ready.
			unready++
		default:
			used = append(used, p.usage)
		}
	}
	if len(used) == 0 {
		return 0, false
	}
	ratio := usageRatio(used, target)
	up := unready > 0 && ratio > 1
	if !up && missing == 0 {
		if isWithin(ratio) {
			return current, true
		}
		return int(math.Ceil(ratio * float64(len(used)))), true
	}
	switch {
	case ratio < 1:
		used = fill(used, missing, max(1, float64(target)/100)*cpuRequest)
	case ratio > 1:
		used = fill(used, missing, 0)
	}
	if up {
		used = fill(used, unready, 0)
	}
	again := usageRatio(used, target)
	if isWithin(again) || ratio < 1 && again > 1 || ratio > 1 && again < 1 {
		return current, true // It would turn the other way.
	}
	n := int(math.Ceil(again * float64(len(used))))
	if again < 1 && n > current || again > 1 && n < current {
		return current, true
	}
	return n, true
}

func fill(list []float64, n int, value float64) []float64 {
	for range n {
		list = append(list, value)
	}
	return list
}

// usageRatio is the mean over the target, in whole percent, as Kubernetes computes it.
func usageRatio(used []float64, target int) float64 {
	sum := 0
	for _, cores := range used {
		sum += int(math.Round(cores * 1000))
	}
	percent := sum * 100 / (len(used) * cpuRequest * 1000)
	return float64(percent) / float64(target)
}
