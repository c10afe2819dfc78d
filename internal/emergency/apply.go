package emergency

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/2lab-ai/hal9/internal/kube"
)

// patchTries bounds how often a patch is tried where the object changes in between: its controller writes, too.
const patchTries = 8

// Step is one object that was changed, or not.
type Step struct {
	Layer string `json:"layer"`
	Kind  Kind   `json:"kind"`
	Name  string `json:"name"`
	Did   string `json:"did"` // what happened, for people
	Error string `json:"error,omitempty"`
}

// Apply writes the way back down and then changes one object after another; told hears of each. It stops at the first
// failure: what was done until then stays, and the way back knows all of it.
func (d *Draft) Apply(ctx context.Context, c kube.Client, told func(Step)) error {
	if err := d.Record.Write(d.Path, c); err != nil {
		return fmt.Errorf("%w: nothing was changed: name a file that can be written with --record", err)
	}
	for i := range d.Plans {
		p := &d.Plans[i]
		if p.Idle != "" {
			continue
		}
		note, err := json.Marshal(&p.Record)
		if err != nil {
			return fmt.Errorf("emergency: %w", err)
		}
		for j := range p.Record.Changes {
			change := &p.Record.Changes[j]
			if len(change.Fields) == 0 && !change.Marked {
				continue
			}
			step := Step{Layer: p.Record.Layer, Kind: change.Kind, Name: change.Name, Did: "changed"}
			_, err := patched(ctx, c, change, p.Standing.object(change.Kind), func(object *kube.Object, revision string) (string, error) {
				if object.Metadata.UID != change.UID {
					return "", fmt.Errorf("emergency: %s %s is another one than a moment ago: look again", change.Kind, change.Name)
				}
				return change.forth(&p.Record, text(string(note)), object, revision), nil
			})
			if change.Kind == KindHPA && kube.TroubleOf(err) == kube.TroubleNotFound {
				step.Did, err = "gone by now: KEDA makes it as the ScaledObject says", nil
			}
			if err != nil {
				step.Error = err.Error()
				told(step)
				return err
			}
			told(step)
		}
	}
	return nil
}

// patched patches an object as it was read; where it has become another one in between, it is read again. want returns
// the patch, "" for none.
func patched(
	ctx context.Context, c kube.Client, change *Change, read *kube.Object, want func(*kube.Object, string) (string, error),
) (done bool, err error) {
	for range patchTries {
		object := read
		if read = nil; object == nil {
			fresh, err := kube.Get[kube.Object](ctx, c, string(change.Kind), change.Name)
			if err != nil {
				return false, err
			}
			object = &fresh
		}
		var meta struct {
			Metadata struct {
				ResourceVersion string `json:"resourceVersion"`
			} `json:"metadata"`
		}
		if err := json.Unmarshal(object.Raw, &meta); err != nil {
			return false, fmt.Errorf("emergency: %s %s: %w", change.Kind, change.Name, err)
		}
		body, err := want(object, meta.Metadata.ResourceVersion)
		if err != nil || body == "" {
			return false, err
		}
		_, err = c.Run(ctx, "patch", string(change.Kind), change.Name, "--type", "merge", "--patch", body)
		if kube.TroubleOf(err) == kube.TroubleConflict {
			continue
		}
		return err == nil, err
	}
	return false, fmt.Errorf("emergency: %s %s is changed all the time by something else: try again", change.Kind, change.Name)
}
