package tracing

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

const (
	sendersTrace = "0af7651916cd43dd8448eb211c80319c"
	sendersSpan  = "b7ad6b7169203331"
)

func encode(v *layers.Verdict) ([]byte, error) { return json.Marshal(v) }

// place is what a span must say: when, after the signal was received, in microseconds.
type place struct {
	Name, Span, Parent string
	Start, End         int64
}

func places(spans []*tracepb.Span, received time.Time) (list []place) {
	for _, s := range spans {
		list = append(list, place{
			s.GetName(), hex.EncodeToString(s.GetSpanId()), hex.EncodeToString(s.GetParentSpanId()),
			(int64(s.GetStartTimeUnixNano()) - received.UnixNano()) / 1000, (int64(s.GetEndTimeUnixNano()) - received.UnixNano()) / 1000,
		})
	}
	return list
}

// TestATraceIsTheSignalsWay shows ids, order, times and attributes, with and without a sender's trace, over each protocol.
func TestATraceIsTheSignalsWay(t *testing.T) {
	for _, test := range []struct {
		name, parent, wantTrace, wantParent string
		protocol                            Protocol
	}{
		{name: "own", protocol: ProtocolGRPC},
		{name: "sender", protocol: ProtocolGRPC, parent: "00-" + sendersTrace + "-" + sendersSpan + "-01", wantTrace: sendersTrace, wantParent: sendersSpan},
		{name: "http", protocol: ProtocolHTTP, parent: "00-" + sendersTrace + "-" + sendersSpan + "-01", wantTrace: sendersTrace, wantParent: sendersSpan},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			if test.protocol == ProtocolHTTP {
				r.overHTTP(t)
			}
			cfg := config()
			cfg.Protocol = test.protocol
			r.export(t, cfg)
			v := verdict(1)
			r.decide(t, test.parent, v)
			await(t, "seven spans", func() bool { return len(r.all()) == 7 })

			own := pipeline.TraceParentOf(v.Source, v.SignalID)
			wantTrace, root := test.wantTrace, own[36:52]
			if wantTrace == "" {
				wantTrace = own[3:35]
			}
			spans := r.all()
			var ids []string
			for _, s := range spans {
				if got := hex.EncodeToString(s.GetTraceId()); got != wantTrace {
					t.Errorf("%s is of trace %s, want %s", s.GetName(), got, wantTrace)
				}
				ids = append(ids, hex.EncodeToString(s.GetSpanId()))
			}
			want := []place{
				{"signal shop", root, test.wantParent, 0, 5000},
				{"L1 wait", ids[1], root, 0, 100},
				{"L1 process", ids[2], root, 100, 120},
				{"L2 wait", ids[3], root, 120, 420},
				{"L2 process", ids[4], root, 420, 460},
				{"L3 wait", ids[5], root, 460, 960},
				{"L3 process", ids[6], root, 960, 1020},
			}
			if diff := cmp.Diff(want, places(spans, v.ReceivedAt)); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
			slices.Sort(ids)
			if len(slices.Compact(ids)) != 7 {
				t.Errorf("span ids are not all different: %v", ids)
			}
			got := map[string]string{}
			for _, key := range []string{
				"hal9.signal_id", "hal9.source", "hal9.key", "hal9.layer", "hal9.disposition", "hal9.reason", "hal9.rule",
				"hal9.template_id", "hal9.situation_id", "hal9.severity",
			} {
				got[key] = attributeOf(spans[0], key)
			}
			if diff := cmp.Diff(map[string]string{
				"hal9.signal_id": "s-1", "hal9.source": "shop", "hal9.key": "db-1", "hal9.layer": "L3", "hal9.disposition": "folded",
				"hal9.reason": "a spike", "hal9.rule": "r1", "hal9.template_id": "t1", "hal9.situation_id": "sit-1", "hal9.severity": "error",
			}, got); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			if r.resource["service.name"] != "hal9" {
				t.Errorf("the resource is %v", r.resource)
			}
		})
	}
}

// TestWhatIsTraced shows which of many verdicts are traced with the default sampler.
func TestWhatIsTraced(t *testing.T) {
	r := newRig(t)
	cfg := config()
	cfg.Sampler = DefaultConfig().Sampler
	e, _ := r.export(t, cfg)
	const many = 3000
	var cheap []layers.Verdict
	for i := range many {
		v := verdict(i)
		v.Layer, v.Disposition = layers.NameL1, layers.DispositionResolved
		cheap = append(cheap, v)
	}
	named := func(id string, layer layers.Name, d layers.Disposition) layers.Verdict {
		v := verdict(0)
		v.SignalID, v.Layer, v.Disposition = id, layer, d
		return v
	}
	r.decide(t, "", cheap...)
	r.decide(t, "", named("serious", layers.NameL4, layers.DispositionResolved), named("dead", layers.NameL1, layers.DispositionDead))
	r.decide(t, "00-"+sendersTrace+"-"+sendersSpan+"-01", named("sampled", layers.NameL1, layers.DispositionResolved))
	r.decide(t, "00-"+sendersTrace+"-"+sendersSpan+"-00", named("unsampled", layers.NameL2, layers.DispositionResolved))
	await(t, "all verdicts looked at", func() bool { return e.Counts().Verdicts == many+4 })
	await(t, "all sent", func() bool { return uint64(len(r.roots())) == e.Counts().Sent })
	roots := r.roots()
	for id, want := range map[string]int{"serious": 1, "dead": 1, "sampled": 1, "unsampled": 0} {
		if roots[id] != want {
			t.Errorf("%q was traced %d times, want %d", id, roots[id], want)
		}
		delete(roots, id)
	}
	if len(roots) < 10 || len(roots) > 60 {
		t.Errorf("%d of %d others were traced, want about 1 %%", len(roots), many)
	}
}

// TestTheBoundHolds shows that the bound leaves room for what is serious, and that what is too much is counted.
func TestTheBoundHolds(t *testing.T) {
	r := newRig(t)
	cfg := config()
	cfg.Rate = 5
	e, _ := r.export(t, cfg)
	var list []layers.Verdict
	for i := range 400 {
		v := verdict(i)
		v.Layer, v.Disposition = layers.NameL1, layers.DispositionResolved
		list = append(list, v)
	}
	serious := verdict(1000)
	r.decide(t, "", append(list, serious)...)
	await(t, "all looked at", func() bool { c := e.Counts(); return c.Verdicts == 401 && c.Sent+c.Limited == 401 })
	if c := e.Counts(); c.Sent > 200 || r.roots()[serious.SignalID] != 1 {
		t.Errorf("%+v; the serious one was traced %d times", c, r.roots()[serious.SignalID])
	}
}

// TestAwayAndBack shows that what can't be sent is counted, and that sending goes on by itself.
func TestAwayAndBack(t *testing.T) {
	r := newRig(t)
	e, _ := r.export(t, config())
	r.decide(t, "", verdict(1))
	await(t, "the first", func() bool { return r.roots()["s-1"] == 1 })
	r.stop()
	r.decide(t, "", verdict(2))
	await(t, "a failure", func() bool { return e.Counts().Failed == 1 })
	r.serve(t, r.addr)
	n := 3
	await(t, "one of those that come later", func() bool { // The first may find the connection not yet made again.
		r.decide(t, "", verdict(n))
		n++
		time.Sleep(200 * time.Millisecond)
		return e.Counts().Sent > 1
	})
	await(t, "each sent or counted as failed", func() bool {
		c := e.Counts()
		return c.Sent+c.Failed == uint64(n-1) && len(r.roots()) == int(c.Sent)
	})
}

// TestRefusedIsNotTriedAgain shows that a receiver's no is taken for an answer.
func TestRefusedIsNotTriedAgain(t *testing.T) {
	r := newRig(t)
	r.refuse = status.Error(codes.InvalidArgument, "no")
	cfg := config()
	cfg.Patience = 20 * time.Second
	e, _ := r.export(t, cfg)
	r.decide(t, "", verdict(1))
	await(t, "a failure", func() bool { return e.Counts().Failed == 1 })
}

// TestOneOfManySends shows that processes share the work, and that one which comes back sends nothing again and leaves nothing out.
func TestOneOfManySends(t *testing.T) {
	r := newRig(t)
	first, stop := r.export(t, config())
	second, _ := r.export(t, config())
	want := map[string]int{}
	send := func(from, to int) {
		for n := from; n < to; n++ {
			r.decide(t, "", verdict(n))
			want[verdict(n).SignalID] = 1
		}
	}
	send(0, 200)
	await(t, "200 traces", func() bool { return len(r.roots()) == 200 })
	stop()
	send(200, 300)
	r.export(t, config())
	send(300, 400)
	await(t, "400 traces", func() bool { return len(r.roots()) == 400 })
	if diff := cmp.Diff(want, r.roots()); diff != "" {
		t.Errorf("traces (-want +got):\n%s", diff)
	}
	t.Logf("the first sent %d, the second %d", first.Counts().Sent, second.Counts().Sent)
}

// TestStoppedWhileAway shows that what an exporter can't send when it stops is sent by the next.
func TestStoppedWhileAway(t *testing.T) {
	r := newRig(t)
	cfg := config()
	cfg.Patience = maxPatience
	e, stop := r.export(t, cfg)
	r.stop()
	r.decide(t, "", verdict(1), verdict(2))
	await(t, "both looked at", func() bool { return e.Counts().Verdicts == 2 })
	stop()
	r.serve(t, r.addr)
	r.export(t, config())
	r.decide(t, "", verdict(3))
	await(t, "all three", func() bool { return maps.Equal(r.roots(), map[string]int{"s-1": 1, "s-2": 1, "s-3": 1}) })
}

// TestNothingIsReadBeforeTheFirstExporter shows that tracing that is switched on late begins with what is new, and that before there is no
// consumer whose backlog could grow.
func TestNothingIsReadBeforeTheFirstExporter(t *testing.T) {
	r := newRig(t)
	r.decide(t, "", verdict(1))
	if _, err := r.bus.Delivered(t.Context(), pipeline.StreamVerdicts, pipeline.DurableTraces); err == nil {
		t.Error("there is a consumer although nothing is traced")
	}
	e, _ := r.export(t, config())
	r.decide(t, "", verdict(2))
	await(t, "the second", func() bool { return r.roots()["s-2"] == 1 })
	if c := e.Counts(); c.Verdicts != 1 {
		t.Errorf("%+v: want only what was decided since", c)
	}
}

// TestLateIsNotSent shows that what waited too long is dropped and counted, and that rubbish does no harm.
func TestLateIsNotSent(t *testing.T) {
	m := &bus.Message{Stored: time.Now().Add(-time.Hour)}
	if !isLate(m, time.Now(), time.Minute) || isLate(m, time.Now(), 2*time.Hour) {
		t.Error("an hour is more than a minute and less than two hours")
	}
	r := newRig(t)
	cfg := config()
	cfg.MaxAge = time.Nanosecond
	e, stop := r.export(t, cfg)
	r.decide(t, "", verdict(1))
	await(t, "the drop", func() bool { return e.Counts().Late == 1 })
	stop()
	e, _ = r.export(t, config())
	for _, rubbish := range []string{"", "{", `{"trace_id":"x"}`} {
		err := r.bus.Publish(t.Context(), []pipeline.Record{{Subject: "hal9.verdicts.L3.resolved", Data: []byte(rubbish), Trace: "00-x"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the rubbish", func() bool { return e.Counts().Unreadable == 3 })
}
