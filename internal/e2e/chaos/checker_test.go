package chaos_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/2lab-ai/hal9/internal/natstest"
)

// record is one message of a made up world.
type record struct{ subject, data string }

const openedEarly = `{"id":"sit-1","event":"opened","revision":1,"severity":"critical","members":1}`

// wholeWorld is what lies in the streams when every promise is kept: signals 0 to 5 of one key, of which
// L2 answers three and three climb to L5 with a situation and a plan.
func wholeWorld(s *script) []record {
	list := []record{
		{"hal9.situations.opened", openedEarly},
		{"hal9.situations.updated", `{"id":"sit-1","event":"updated","revision":2}`},
		{"hal9.situations.closed", `{"id":"sit-1","event":"closed","revision":3}`},
		{"hal9.plans.proposed", `{"id":"plan-1","event":"proposed","situation_id":"sit-1"}`},
	}
	for i := range s.key {
		layers := 2
		if i%2 == 1 {
			layers = 5
		}
		for layer := 2; layer <= layers; layer++ {
			list = append(list, record{fmt.Sprintf("hal9.l%d.0", layer), "…" + markOf(i) + "…" + markOf(i)})
		}
		list = append(list, record{fmt.Sprintf("hal9.verdicts.L%d.resolved", layers), verdictText(s, i, layers)})
	}
	return list
}

func verdictText(s *script, i, layers int) string {
	v := map[string]any{
		"signal_id": idOf(i), "source": s.sourceOf(i), "key": s.keyOf(i), "layer": layerNames[layers-1], "disposition": "resolved",
		"reason": "it is known", "event_time": s.timeOf(i), "received_at": s.base, "decided_at": s.base.Add(time.Second),
		"trace_id": strings.Repeat("ab", 16),
	}
	var hops []map[string]string
	for _, layer := range layerNames[:layers] {
		hops = append(hops, map[string]string{"layer": layer})
	}
	v["hops"] = hops
	if layers > 2 {
		v["situation_id"] = "sit-1"
	}
	data, _ := json.Marshal(v) // Strings, times and lists.
	return string(data)
}

// swap exchanges the records that hold two texts on one subject.
func swap(list []record, subject, a, b string) []record {
	at := func(text string) int {
		return slices.IndexFunc(list, func(r record) bool { return strings.HasPrefix(r.subject, subject) && strings.Contains(r.data, text) })
	}
	i, j := at(a), at(b)
	list[i], list[j] = list[j], list[i]
	return list
}

func without(list []record, subject, text string) []record {
	return slices.DeleteFunc(list, func(r record) bool { return strings.HasPrefix(r.subject, subject) && strings.Contains(r.data, text) })
}

func replaced(list []record, text, by string) []record {
	for i := range list {
		list[i].data = strings.ReplaceAll(list[i].data, text, by)
	}
	return list
}

// TestCheckerNotices gives the checker worlds with one broken promise each.
func TestCheckerNotices(t *testing.T) {
	server := natstest.Start(t)
	again := func(list []record, subject, data string) []record { return append(list, record{subject, data}) }
	for name, c := range map[string]struct {
		change func(s *script, list []record) []record
		want   []string // promises
	}{
		"nothing": {func(_ *script, list []record) []record { return list }, nil},
		"a missing verdict": {func(_ *script, list []record) []record {
			return without(list, "hal9.verdicts", idOf(2))
		}, []string{"no acknowledged signal is lost"}},
		"a second verdict": {func(s *script, list []record) []record {
			return again(list, "hal9.verdicts.L2.resolved", verdictText(s, 2, 2))
		}, []string{"one verdict for each signal"}},
		"a verdict on nothing": {func(s *script, list []record) []record {
			return again(list, "hal9.verdicts.L2.resolved", strings.ReplaceAll(verdictText(s, 2, 2), idOf(2), "c-9999999"))
		}, []string{"no verdict on what nobody sent"}},
		"a verdict without a reason": {func(_ *script, list []record) []record {
			return replaced(list, "it is known", "")
		}, []string{"every verdict is complete"}},
		"a verdict that skips a layer": {func(_ *script, list []record) []record {
			return replaced(list, `{"layer":"L4"},`, "")
		}, []string{"every verdict is complete"}},
		"a dead letter": {func(_ *script, list []record) []record {
			return again(list, "hal9.dead.L3", markOf(1))
		}, []string{"dead letters only where expected"}},
		"a situation that is opened twice": {func(_ *script, list []record) []record {
			return again(list, "hal9.situations.opened", openedEarly)
		}, []string{"situations are told once, in order"}},
		"a situation that goes on after its end": {func(_ *script, list []record) []record {
			return again(list, "hal9.situations.updated", `{"id":"sit-1","event":"updated","revision":4}`)
		}, []string{"situations are told once, in order"}},
		"a lost revision": {func(_ *script, list []record) []record {
			return without(list, "hal9.situations.updated", "sit-1")
		}, []string{"situations are told once, in order"}},
		"no situation": {func(_ *script, list []record) []record {
			return without(list, "hal9.situations", "sit-1")
		}, []string{"every situation is announced"}},
		"a plan that is told twice": {func(_ *script, list []record) []record {
			return again(list, "hal9.plans.proposed", `{"id":"plan-1","event":"proposed","situation_id":"sit-1"}`)
		}, []string{"plans are told once"}},
		"L3 took a key in another order": {func(_ *script, list []record) []record {
			return swap(list, "hal9.l3", markOf(1), markOf(3))
		}, []string{"order per key is kept"}},
		"L2 answered a key in another order": {func(_ *script, list []record) []record {
			return swap(list, "hal9.verdicts", idOf(2), idOf(4))
		}, []string{"order per key is kept"}},
		"marks that cannot be seen": {func(_ *script, list []record) []record {
			return without(list, "hal9.l4", markOf(3))
		}, []string{"the order can be seen"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{keys: 1, key: make([]uint16, 6), seq: make([]uint32, 6), base: time.Now().UTC(), lines: []string{"x"}}
			s.kind = slices.Repeat([]content{contentLog}, 6)
			e := judge(t, server.ClientURL(), s, c.change(s, wholeWorld(s)))
			if got := slices.Sorted(maps.Keys(e.found.count)); !slices.Equal(got, c.want) {
				t.Errorf("noticed %q, want %q:\n%s", got, c.want, e.found)
			}
			if c.want == nil && (e.pairs < 10 || e.verdicts != 6) {
				t.Errorf("%d neighbours and %d verdicts were looked at, want at least 10 and 6", e.pairs, e.verdicts)
			}
		})
	}
}

// judge stores the records where HAL9 would, and lets the checker look.
func judge(t *testing.T, url string, s *script, list []record) *evidence {
	t.Helper()
	js := checker(t, url)
	for name, subject := range map[string]string{
		"HAL9_VERDICTS": "hal9.verdicts.>", "HAL9_SITUATIONS": "hal9.situations.>", "HAL9_PLANS": "hal9.plans.>", "HAL9_DEAD": "hal9.dead.>",
		"HAL9_L2": "hal9.l2.*", "HAL9_L3": "hal9.l3.*", "HAL9_L4": "hal9.l4.*", "HAL9_L5": "hal9.l5.*",
	} {
		stream, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{subject}})
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Purge(t.Context()); err != nil { // of the case before
			t.Fatal(err)
		}
	}
	for _, r := range list {
		if _, err := js.Publish(t.Context(), r.subject, []byte(r.data)); err != nil {
			t.Fatal(err)
		}
	}
	load := newLoad(s, url, time.Second)
	for i := range s.key {
		load.sent[i], load.acked[i] = true, true
	}
	e := newEvidence(load, 1, nil)
	if err := e.collect(t.Context(), js); err != nil {
		t.Fatal(err)
	}
	return e
}
