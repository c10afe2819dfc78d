package lint

import (
	"regexp"
	"strconv"
	"strings"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
)

func prometheusRules() []rule {
	return []rule{{"null-values", lookNull}, {"prometheus", lookPrometheus}}
}

// latencyWords matches queries for how long something takes.
var latencyWords = regexp.MustCompile(`(?i)histogram_quantile|latency|duration|_seconds_(sum|bucket)|oldest_age`)

func looksLikeLatency(t *keda.ScaleTriggers) bool {
	return t.Type == "prometheus" && latencyWords.MatchString(t.Metadata["query"])
}

func lookNull(c *check) {
	c.each(func(t *keda.ScaleTriggers, path string) {
		ignores, err := strconv.ParseBool(t.Metadata["ignoreNullValues"])
		if t.Metadata["ignoreNullValues"] == "" {
			ignores, err = true, nil
		}
		if !looksLikeLatency(t) {
			return
		}
		orZero := strings.Contains(t.Metadata["query"], "vector(0)") && least(c.so) > 0
		if err == nil && ignores || orZero {
			c.report(SeverityWarning, path+".metadata."+map[bool]string{true: "query", false: "ignoreNullValues"}[orZero], advice{
				"An empty answer counts as 0 (ignoreNullValues is true unless set): where the pods are gone or are not scraped, the latency reads as perfect and the" +
					" workload is scaled down. So does NaN, which a quantile without traffic is.",
				"Write ignoreNullValues: \"false\" and let the query say what no traffic is, such as (histogram_quantile(…) >= 0) or 0 * sum(…_count).",
			}, "no data reads as a latency of 0")
		}
	})
}

func lookPrometheus(c *check) {
	c.each(func(t *keda.ScaleTriggers, path string) {
		if t.Type != "prometheus" {
			return
		}
		if a := t.Metadata["serverAddress"]; a != "" && !strings.HasPrefix(a, "http://") && !strings.HasPrefix(a, "https://") {
			c.report(SeverityError, path+".metadata.serverAddress", advice{"KEDA asks over HTTP.", "Write http:// or https:// before it."}, "serverAddress %q is no URL", a)
		}
		if text := t.Metadata["threshold"]; text != "" {
			if n, err := strconv.ParseFloat(text, 64); err != nil || n <= 0 {
				c.report(SeverityError, path+".metadata.threshold", advice{"The HPA divides by it.", "Write a number above 0."}, "threshold %q", text)
			}
		}
	})
}
