package ingest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzScan compares the scanner with encoding/json: both accept the same objects, save
// that the scanner bounds the nesting.
func FuzzScan(f *testing.F) {
	for _, c := range benchmarks {
		f.Add([]byte(c.data))
	}
	for _, seed := range []string{"{}", `{"a":[1,-0.5e+7,"\u00e9\n",true,false,null,{"b":{}}]}`, `{"a":01}`, `{"a":"\x"}`, `{"a":1,}`, "{\"a\":\"\x01\"}", `{"a":1}{}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := scanObject(data, nil)
		var theirs map[string]json.RawMessage
		theirErr := json.Unmarshal(data, &theirs)
		isObject := theirErr == nil && theirs != nil
		if (err == nil) != isObject {
			if bad, ok := errors.AsType[*fieldError](err); ok && isObject && bad.want == "a flatter object" {
				return
			}
			t.Fatalf("%q: scanner %v, encoding/json %v", data, err, theirErr)
		}
		if err != nil || !utf8.Valid(data) {
			return
		}
		ours := make(map[string]json.RawMessage, len(members))
		for _, m := range members {
			ours[string(m.name)] = m.raw
		}
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Fatal(diff)
		}
	})
}

// checkItems verifies what every accepted body promises, publishing included.
func checkItems(t *testing.T, d *Decoder, items []Item) {
	t.Helper()
	for i := range items {
		if err := broken(&items[i]); err != nil {
			t.Fatalf("item %d: %v", i, err)
		}
		encoded, err := Encode(&items[i].Signal)
		if err != nil || len(encoded) > d.maxBytes {
			t.Fatalf("item %d: %d bytes, %v", i, len(encoded), err)
		}
		roundTrip(t, d, &items[i].Signal)
	}
}

func checkError(t *testing.T, err error) {
	t.Helper()
	all := []error{err}
	if bad, ok := errors.AsType[ItemErrors](err); ok {
		all = bad.Unwrap()
	}
	for _, one := range all {
		checkReason(t, one.Error(), nil)
	}
}

func FuzzMessage(f *testing.F) {
	for _, c := range messageCases(f) {
		var name, value string
		for n, v := range c.header {
			name, value = n, v[0]
		}
		f.Add([]byte(c.data), "hal9.signals.web", name, value)
	}
	f.Add([]byte("\xff"), "hal9.signals.\xff", "ce-id", "%ff")
	d, ruled := newDecoder(f), newDecoder(f, SourceRule{Match: "*", Key: "a.b", Labels: map[string]string{"x": "y"}})
	f.Fuzz(func(t *testing.T, data []byte, subject, name, value string) {
		header := map[string][]string{name: {value}, "ce-type": {"t"}, "ce-source": {"/s"}, "ce-specversion": {"1.0"}}
		for _, h := range []map[string][]string{header, {name: {value}}} {
			m := Message{Subject: subject, Header: h, Data: data, Seq: 7, Stored: storedAt}
			if id := d.FallbackID(m); id == "" || len(id) > 256 {
				t.Fatalf("fallback id %q", id)
			}
			for _, d := range []*Decoder{d, ruled} {
				item, err := d.Message(m)
				if err != nil {
					checkError(t, err)
					continue
				}
				if err := broken(&item); err != nil {
					t.Fatal(err)
				}
				again, err := d.Message(m)
				if diff := cmp.Diff(item, again); diff != "" || err != nil {
					t.Fatal(diff, err)
				}
			}
		}
	})
}

func FuzzBody(f *testing.F) {
	for _, c := range benchmarks {
		for format := FormatJSON; format <= FormatText; format++ {
			f.Add(uint8(format), []byte(c.data), "application/json")
		}
		f.Add(uint8(FormatJSON), []byte("["+c.data+","+c.data+"]"), "")
		f.Add(uint8(FormatNDJSON), []byte(c.data+"\n"+c.data), "")
	}
	d := newDecoder(f)
	f.Fuzz(func(t *testing.T, format uint8, body []byte, contentType string) {
		header := map[string][]string{"Content-Type": {contentType}, "Ce-Id": {"a"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}, "Ce-Specversion": {"1.0"}}
		if _, err := FormatOf(contentType, header); err != nil {
			checkReason(t, err.Error(), nil)
		}
		items, err := d.Body(Format(format), header, body, nowAt)
		if err != nil {
			checkError(t, err)
			if items != nil {
				t.Fatal("items beside an error")
			}
			return
		}
		checkItems(t, d, items)
	})
}

func FuzzAlertmanagerWebhook(f *testing.F) {
	f.Add([]byte(webhookBody))
	f.Add([]byte(`{"version":"4","alerts":[{"labels":{"a":1},"endsAt":""}]}`))
	fuzzAlerts(f, (*Decoder).AlertmanagerWebhook)
}

func FuzzAlertmanagerAlerts(f *testing.F) {
	f.Add([]byte(`[` + benchmarks[7].data + `]`))
	f.Add([]byte(`[{"labels":{"alertname":"A"},"annotations":{"summary":"s"},"startsAt":"2014-07-01T00:00:00Z"}]`))
	fuzzAlerts(f, (*Decoder).AlertmanagerAlerts)
}

func fuzzAlerts(f *testing.F, decode func(*Decoder, []byte, time.Time) ([]Item, error)) {
	f.Helper()
	d := newDecoder(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := decode(d, body, nowAt)
		if err != nil {
			checkError(t, err)
			return
		}
		for i := range items {
			if items[i].Signal.Type != "alert" || items[i].Signal.Source != "alertmanager" {
				t.Fatalf("%+v", items[i].Signal)
			}
		}
		checkItems(t, d, items)
	})
}

// FuzzEncode takes whatever a message gives through Encode and back.
func FuzzEncode(f *testing.F) {
	for _, c := range messageCases(f) {
		f.Add([]byte(c.data))
	}
	d := newDecoder(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		item, err := d.Message(Message{Subject: "hal9.signals.x", Data: data, Seq: 1, Stored: storedAt})
		if err != nil {
			return
		}
		roundTrip(t, d, &item.Signal)
	})
}
