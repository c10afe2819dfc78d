package kube

import (
	"context"
	"slices"
	"strings"
)

// lastLines is how much is shown of a log.
const lastLines = "5"

// ReadLogs adds the last lines of a container to each hold that they explain.
func (c Client) ReadLogs(ctx context.Context, holds []Hold) {
	for i := range holds {
		h := &holds[i]
		for _, args := range h.Logs() {
			data, err := c.Run(ctx, slices.Concat(args, []string{"--tail", lastLines})...)
			if text := strings.TrimSpace(string(data)); err == nil && text != "" {
				h.Log = strings.Split(text, "\n")
				break
			}
		}
	}
}

// Logs returns how kubectl is asked for the log that explains a hold, the best way first; none where no log does.
func (h *Hold) Logs() [][]string {
	if len(h.Pods) == 0 {
		return nil
	}
	now := []string{"logs", h.Pods[0]}
	if h.Container != "" {
		now = append(now, "--container", h.Container)
	}
	switch h.Kind {
	case HoldCrash:
		return [][]string{slices.Concat(now, []string{"--previous"}), now}
	case HoldProbe, HoldInit:
		return [][]string{now}
	default:
		return nil
	}
}
