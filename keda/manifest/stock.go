package manifest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscaling "k8s.io/api/autoscaling/v2"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

// stock adds KEDA's own scalers: the lag of each of the layer's consumers, above L1 the signals that these messages hold, the
// p95 of the time that signals wait, and the number of pods, made into one metric by a formula.
//
// Why a formula and not one metric each: of several metrics the HPA takes the one that asks for most replicas. That is right
// for lag and latency, but of 60 partitions it would see the fullest alone, a sixtieth of a backlog that is spread evenly;
// and a threshold that is lower by as much would answer one hot key, which more replicas cannot help, with the maximum.
func (d *document) stock(s *Settings, l *Layer) {
	spec := &d.object.Spec
	var lags []string
	for _, key := range pipeline.StagesOf(l.Name, s.Partitions) {
		name := strings.ReplaceAll(key.Durable(), "-", "_")
		lags = append(lags, name)
		spec.Triggers = append(spec.Triggers, keda.ScaleTriggers{
			Type: "nats-jetstream", Name: name,
			Metadata: map[string]string{
				"natsServerMonitoringEndpoint": s.Monitoring, "account": "$G", "stream": key.Stream(), "consumer": key.Durable(),
			},
		})
	}
	unit := "messages that wait, and messages that are worked on"
	if l.Name != layers.NameL1 {
		unit += "; in a burst one is a pack of 30 to 60\nsignals, hence the trigger signals at the end"
	}
	d.note("spec.triggers", "The lag of each of the layer's consumers: "+unit+".\n"+
		"Each trigger asks NATS for all streams and consumers of the account, on each poll.")
	backlog := sum(lags)
	work := decimal(l.Policy.Rate * l.Policy.Drain.Seconds()) // of one replica
	if l.Name != layers.NameL1 {
		d.query(s, "signals", work, depthQuery(s, l), "Signals in these messages, as the layer's pods count them.")
		backlog = fmt.Sprintf("max(%s, signals)", backlog)
	}
	d.query(s, "p95", decimal(late(l).Seconds()), latencyQuery(s, l), latencyNote(s, l))
	d.note(fmt.Sprintf("spec.triggers[%d]", len(spec.Triggers)), "How many pods there are: what the formula multiplies.")
	spec.Triggers = append(spec.Triggers, keda.ScaleTriggers{
		Type: "kubernetes-workload", Name: "pods",
		Metadata: map[string]string{"podSelector": "app.kubernetes.io/component=" + strings.ToLower(l.Name.String()), "value": "1"},
	})
	spec.Advanced.ScalingModifiers = keda.ScalingModifiers{
		Formula: fmt.Sprintf("max(%s / %s, pods * min(p95 / %s, 2))", backlog, work, decimal(late(l).Seconds())),
		Target:  "1", MetricType: autoscaling.AverageValueMetricType,
	}
	d.note("spec.advanced.scalingModifiers", fmt.Sprintf(
		"Replicas needed: the backlog over what one replica works off in %s (at %s signals/s: measure yours), or where p95 is\n"+
			"above its objective that many more, at most twice as many. The target must be an integer: with another one KEDA ignores the fallback.",
		inWords(l.Policy.Drain), decimal(l.Policy.Rate)))
}

// query adds a trigger on Prometheus. Where it has no data that is an error: KEDA's default, ignoreNullValues true, would read 0.
func (d *document) query(s *Settings, name, threshold, query, note string) {
	spec := &d.object.Spec
	d.note(fmt.Sprintf("spec.triggers[%d]", len(spec.Triggers)), note)
	spec.Triggers = append(spec.Triggers, keda.ScaleTriggers{
		Type: "prometheus", Name: name,
		Metadata: map[string]string{"serverAddress": s.Prometheus, "query": query, "threshold": threshold, "ignoreNullValues": "false"},
	})
}

// late is the objective of the p95: where a backlog is worked off in time, nothing waits for longer than that takes.
func late(l *Layer) time.Duration { return min(l.Policy.Latency, l.Policy.Drain) }

// sum adds terms up, some to a line.
func sum(terms []string) string {
	const perLine = 10
	if len(terms) == 1 {
		return terms[0]
	}
	var text strings.Builder
	for i, term := range terms {
		switch {
		case i == 0:
			text.WriteString("(")
		case i%perLine == 0:
			text.WriteString(" +\n  ")
		default:
			text.WriteString(" + ")
		}
		text.WriteString(term)
	}
	return text.String() + ")"
}

// depthQuery asks for the signals that the layer has not finished; each of its pods counts all of them.
func depthQuery(s *Settings, l *Layer) string {
	query := fmt.Sprintf(`max(hal9_queue_depth_signals{layer="%s"})`, l.Name)
	if s.ScaleToZero || l.Policy.Min == 0 {
		return query + " or vector(0)"
	}
	return query
}

// latencyQuery asks for the p95 of the time that signals wait for the layer. Without traffic it is 0; where no pod is
// scraped it is empty, which is an error: no pod to ask is not the same as no latency.
func latencyQuery(s *Settings, l *Layer) string {
	name := l.Name.String()
	quantile := fmt.Sprintf(`histogram_quantile(0.95, sum by (le) (rate(hal9_wait_seconds_bucket{layer="%s"}[2m]))) >= 0`, name)
	if s.ScaleToZero || l.Policy.Min == 0 {
		return "(" + quantile + ") or vector(0)"
	}
	return fmt.Sprintf(`(%s) or 0 * sum(hal9_wait_seconds_count{layer="%s"})`, quantile, name)
}

func latencyNote(s *Settings, l *Layer) string {
	if s.ScaleToZero || l.Policy.Min == 0 {
		return "p95 of the time that signals wait, in seconds; 0 where there is no traffic, or no pod, which a layer without replicas has to be allowed."
	}
	return "p95 of the time that signals wait, in seconds: 0 where there is no traffic, an error where no pod is scraped. (KEDA's default,\n" +
		"ignoreNullValues true, would read 0 just when the pods are gone.)"
}

// decimal returns a number as KEDA reads it.
func decimal(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
