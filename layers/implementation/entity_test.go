package implementation_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/layers/implementation"
)

// unkeyed is a signal whose sender does not say what it is about.
func unkeyed(text, data string) *layers.Envelope {
	return &layers.Envelope{Signal: layers.Signal{ID: "i", Source: "unheard", Key: "unheard", Text: text, Data: []byte(data)}}
}

func TestEntities(t *testing.T) {
	for name, c := range map[string]struct{ text, data, key, mentions string }{
		"known name":          {data: `{"hostname":"web-1","cpu":3}`, key: "web-1", mentions: "host=web-1"},
		"nested":              {data: `{"host":{"name":"web-1","id":"9f"},"os":{"name":"linux"}}`, key: "web-1", mentions: "host=web-1"},
		"an id behind a name": {data: `{"service":{"id":"17","name":"shop"}}`, key: "shop", mentions: "service=shop"},
		"an id alone":         {data: `{"machine_id":17}`, key: "17", mentions: "host=17"},
		"in camels":           {data: `{"kubernetes":{"podName":"a-1","namespaceName":"n"}}`, key: "a-1", mentions: "pod=a-1 namespace=n"},
		"dotted":              {data: `{"resource":{"attributes":{"service.name":"shop","k8s.node.name":"n1"}}}`, key: "shop", mentions: "service=shop node=n1"},
		"the order of kinds":  {data: `{"pod":"p","service":"s","instance":"i:9"}`, key: "i:9", mentions: "instance=i:9 service=s pod=p"},
		"where, but not whom": {data: `{"cluster":"c","namespace":"n"}`, mentions: "namespace=n cluster=c"},
		"who calls whom":      {data: `{"client":{"service":"web"},"target":{"service":"pay"},"span_id":"b","parent":{"span_id":"a"}}`, mentions: "caller=web callee=pay span_id=b parent_span_id=a"},
		"what is measured":    {data: `{"metric":"cpu","host":"a"}`, key: "a", mentions: "host=a metric=cpu"},
		"what is measured, as a key performance indicator": {data: `{"kpi_name":"cpu","cmdb_id":"a"}`, key: "a", mentions: "instance=a metric=cpu"},
		"nobody":               {data: `{"name":"bob","id":"4","os":{"version":"1"}}`},
		"no name":              {data: `{"host":"","service":"two\nlines","pod":["a"],"node":1.5}`},
		"a sentence":           {data: `{"host":"the one that we saw here"}`},
		"too deep":             {data: `{"a":{"b":{"c":{"d":{"host":"x"}}}}}`},
		"pairs":                {text: `level=info host=web-1 msg="a b" took=5ms`, key: "web-1", mentions: "host=web-1"},
		"pairs among words":    {text: "cannot reach the host=db-3 from here, giving up", mentions: "host=db-3"},
		"data before the text": {text: "no route to host=db-3", data: `{"host":"web-1"}`, key: "web-1", mentions: "host=web-1"},
		"no object":            {text: "all is well", data: `[{"host":"a"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			e := unkeyed(c.text, c.data)
			decide(t, newLayer(t, implementation.DefaultConfig()), e)
			var mentions []string
			for _, m := range e.Findings.Mentions {
				mentions = append(mentions, m.Kind+"="+m.Name)
			}
			if got := strings.Join(mentions, " "); e.Findings.Key != c.key || got != c.mentions {
				t.Errorf("key %q, mentions %q: want %q and %q", e.Findings.Key, got, c.key, c.mentions)
			}
			said := unkeyed(c.text, c.data)
			said.Key = "said"
			decide(t, newLayer(t, implementation.DefaultConfig()), said)
			if said.Findings.Key != "" {
				t.Errorf("key %q where the sender said one", said.Findings.Key)
			}
		})
	}
}

// learn sends signals of an unheard sender and returns which keys were found for them.
func learn(t *testing.T, l *implementation.Layer, from, to int, data func(i int) string) []string {
	t.Helper()
	var keys []string
	for i := from; i < to; i++ {
		e := unkeyed("", data(i))
		decide(t, l, e)
		keys = append(keys, e.Findings.Key)
	}
	return keys
}

func TestKeyOfAnUnheardSenderIsLearnt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	plants, lines := []string{"north", "south", "east"}, func(int) string { return fmt.Sprint("L", random.IntN(40)) }
	for name, c := range map[string]struct {
		data func(i int) string
		want func(data string) string
	}{
		"the one that tells most apart": {
			func(i int) string {
				return fmt.Sprintf(`{"xq":%q,"zz":{"vb":%q},"n":%d,"at":"t%d"}`, plants[i%3], lines(i), i, i)
			},
			func(data string) string { return between(data, `"vb":"`) },
		},
		"an id that is a number": {
			func(i int) string { return fmt.Sprintf(`{"unit_ref":%d,"level":"info","temp":%d.5}`, 100+i%12, i%7) },
			func(data string) string { return between(data, `"unit_ref":`) },
		},
		"one value only":      {func(i int) string { return fmt.Sprintf(`{"xq":"a","n":%d.5}`, i) }, nobody},
		"too many values":     {func(i int) string { return fmt.Sprintf(`{"xq":"v%d"}`, i) }, nobody},
		"not in every signal": {func(i int) string { return fmt.Sprintf(`{"a%d":1,"x%d":"v%d"}`, i%2, i%2, i%5) }, nobody},
		"what, not whom":      {func(i int) string { return fmt.Sprintf(`{"level":"l%d","kind":"k%d"}`, i%4, i%9) }, nobody},
	} {
		t.Run(name, func(t *testing.T) {
			l, restored := newLayer(t, implementation.DefaultConfig()), newLayer(t, implementation.DefaultConfig())
			var sent []string
			data := func(i int) string {
				for len(sent) <= i {
					sent = append(sent, c.data(len(sent)))
				}
				return sent[i]
			}
			learn(t, l, 0, 150, data)
			snapshot, err := l.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			if err := restored.Restore(snapshot); err != nil {
				t.Fatal(err)
			}
			keys := learn(t, l, 150, 900, data)
			if diff := cmp.Diff(keys, learn(t, restored, 150, 900, data)); diff != "" {
				t.Errorf("a restart changes keys:\n%s", diff)
			}
			for i, key := range keys[600:] {
				if want := c.want(sent[750+i]); key != want {
					t.Fatalf("signal %d, %s: key %q, want %q", 750+i, sent[750+i], key, want)
				}
			}
		})
	}
}

func nobody(string) string { return "" }

func between(data, start string) string {
	_, rest, _ := strings.Cut(data, start)
	return rest[:strings.IndexAny(rest, `",`)]
}

// TestChosenFieldIsGivenUp has a field take very many values after it was chosen.
func TestChosenFieldIsGivenUp(t *testing.T) {
	l := newLayer(t, implementation.DefaultConfig())
	if keys := learn(t, l, 0, 200, func(i int) string { return fmt.Sprintf(`{"xq":"v%d"}`, i%9) }); keys[199] != "v1" {
		t.Fatalf("key %q, want v1", keys[199])
	}
	keys := learn(t, l, 0, 1000, func(i int) string { return fmt.Sprintf(`{"xq":"v%d"}`, i) })
	if keys[100] == "" || keys[999] != "" {
		t.Errorf("keys %q and %q: want none of the last", keys[100], keys[999])
	}
}

func TestSendersAreBounded(t *testing.T) {
	l := newLayer(t, implementation.DefaultConfig())
	for i := range 2_000 {
		for j := range 4 {
			e := unkeyed("", fmt.Sprintf(`{"xq":"v%d"}`, j))
			e.Source = fmt.Sprint("s", i)
			e.Key = e.Source
			decide(t, l, e)
		}
	}
	snapshot, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(snapshot), `"decide_at"`); n != 500 {
		t.Errorf("%d senders are kept, want 500", n)
	}
}

// TestNameOfWhatIsMeasured: a name beside a value says what it measures, and elsewhere anything.
func TestNameOfWhatIsMeasured(t *testing.T) {
	for _, value := range []bool{true, false} {
		e := unkeyed("", `{"name":"cpu_used","value":3}`)
		e.HasValue, e.Value = value, 3
		decide(t, newLayer(t, implementation.DefaultConfig()), e)
		if m := e.Findings.Mentions; (len(m) == 1 && m[0] == layers.Mention{Kind: "metric", Name: "cpu_used"}) != value || len(m) > 1 {
			t.Errorf("with a value %v: %v", value, m)
		}
	}
}

// TestIDsAndTimesMeasureNothing: they grow or jump whatever happens.
func TestIDsAndTimesMeasureNothing(t *testing.T) {
	e := unkeyed("", `{"startTime":1700000000123456,"end_ms":1700000000123,"TimeStamp":1700000000,"userId":7,"thread_id":3,"pid":4,"flags":1,"port":80,
		"duration":1503,"valid":2,"bytes":1700000000,"uptime":90,"time_us":12}`)
	decide(t, newLayer(t, implementation.DefaultConfig()), e)
	if diff := cmp.Diff(map[string]float64{"duration": 1503, "valid": 2, "bytes": 1.7e9, "uptime": 90, "time_us": 12}, e.Findings.Features); diff != "" {
		t.Errorf("features (-want +got):\n%s", diff)
	}
}
