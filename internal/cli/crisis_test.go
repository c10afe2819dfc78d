package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/internal/emergency"
)

// TestRestoredSaysWhatWasLeftAlone holds that nobody reads that all is as before where it is not.
func TestRestoredSaysWhatWasLeftAlone(t *testing.T) {
	gone := []emergency.Step{{Layer: "L2", Kind: emergency.KindHPA, Name: "own-l2"}}
	for _, test := range []struct {
		name     string
		way      emergency.Way
		failed   error
		text     string
		restored bool
	}{
		{"all", emergency.Way{}, nil, "everything is as it was before the emergency\n", true},
		{"pods are kept", emergency.Way{Items: []emergency.WayItem{{State: emergency.BackKept}}}, nil, "everything is as it was before the emergency, but for the number of pods: the autoscaler moves that\n", true},
		{"something is gone", emergency.Way{Left: gone}, nil, "what is still there is as it was before the emergency; left alone: horizontalpodautoscaler.autoscaling own-l2\n", false},
		{"failed", emergency.Way{}, errors.New("no answer"), "", false},
	} {
		var text, data bytes.Buffer
		if err := (cli.Crisis{Screen: cli.Screen{Out: &text}}).Restored(&test.way, test.failed); !errors.Is(err, test.failed) {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := text.String(); got != test.text {
			t.Errorf("%s: got %q, want %q", test.name, got, test.text)
		}
		if err := (cli.Crisis{Screen: cli.Screen{Out: &data}, JSON: true}).Restored(&test.way, test.failed); !errors.Is(err, test.failed) {
			t.Errorf("%s: %v", test.name, err)
		}
		var answer struct {
			Restored *bool `json:"restored"`
		}
		if err := json.NewDecoder(strings.NewReader(data.String())).Decode(&answer); err != nil || answer.Restored == nil || *answer.Restored != test.restored {
			t.Errorf("%s: %v, %s", test.name, err, data.String())
		}
	}
}
