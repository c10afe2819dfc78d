package doctor

import (
	"time"

	"github.com/2lab-ai/hal9/pipeline"
)

// For how long the scaler may decide nothing, and after which it counts as taken away.
const (
	scalerSilent = 2 * time.Minute
	scalerGone   = 7 * 24 * time.Hour
)

// findScaler says that the scaler does not decide any more.
func findScaler(f *Facts) []Finding {
	if f.NATS == nil || f.NATS.Last == nil {
		return nil
	}
	s, ok := f.NATS.stream(pipeline.StreamScaling)
	silent := f.NATS.now().Sub(s.LastStored)
	if !ok || s.Messages == 0 || silent < scalerSilent || silent > scalerGone {
		return nil
	}
	return []Finding{{
		ID: "scaler-silent", Severity: SeverityWarning, What: "hal9 scaler has decided nothing for " + age(silent) + ": replicas do not follow the load",
		Evidence: []string{"last decision in " + pipeline.StreamScaling + " at " + s.LastStored.UTC().Format(time.RFC3339) + "; KEDA falls back where it is asked in vain"},
		Commands: []Command{
			look(f.kubectl("logs deployment/hal9-scaler --since 10m"), "what it says"),
			look(f.hal9("scaler explain L3"), "what it decided last, and from what"),
			run(f.kubectl("rollout restart deployment/hal9-scaler"), "start it anew"),
		},
	}}
}
