package natspubsub_test

import (
	"bytes"
	"net/textproto"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/2lab-ai/hal9/pipeline/natspubsub"
)

// wire returns a header as nats.go writes and reads it: ends trimmed, line breaks replaced.
func wire(t *testing.T, header nats.Header) nats.Header {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("NATS/1.0\r\n")
	for name, values := range header {
		for _, value := range values {
			value = strings.NewReplacer("\r", " ", "\n", " ").Replace(textproto.TrimString(value))
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	b.WriteString("\r\n")
	got, err := nats.DecodeHeadersMsg(b.Bytes())
	if err != nil {
		t.Fatalf("header %v: %v", header, err)
	}
	return got
}

func roundTrip(t *testing.T, msg *message.Message) *message.Message {
	t.Helper()
	out, err := natspubsub.HeaderCodec{}.Encode("s", msg)
	if err != nil {
		t.Fatal(err)
	}
	for name := range out.Header {
		if strings.HasPrefix(strings.ToLower(name), "nats-") || name == "Status" || name == "Description" {
			t.Errorf("metadata became the header %s, which steers the server or nats.go", name)
		}
	}
	back, err := natspubsub.HeaderCodec{}.Decode(wire(t, out.Header), out.Data)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestCodecRoundTrip(t *testing.T) {
	t.Parallel()
	cases := map[string]message.Metadata{
		"none":           {},
		"plain":          {"a": "1", "B": "2", "a-b_c": ""},
		"case":           {"key": "lower", "KEY": "upper"},
		"not ascii":      {"ключ": "значение", "k": "日本"},
		"not a token":    {"with space": "x", "with:colon": "y", "": "empty"},
		"line breaks":    {"k": "one\r\ntwo\nthree"},
		"ends":           {"lead": " x", "trail": "x ", "tab": "\tx"},
		"binary":         {"k": "\x00\xff\x7f"},
		"server headers": {"Nats-Rollup": "all", "nats-ttl": "1s", "Status": "503", "Description": "x"},
		"own headers":    {natspubsub.HeaderUUID: "no", natspubsub.HeaderMetadata: "%%%"},
		"many values":    {"k": "0", "k[1]": "1", "k[2]": "2"},
		"gap in values":  {"k": "0", "k[2]": "2"},
		"no first value": {"k[1]": "1"},
		"odd index":      {"k": "0", "k[01]": "x", "k[]": "y", "k[-1]": "z"},
		"value in line":  {"k": "0", "k[1]": "a\nb"},
	}
	for name, metadata := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			msg := message.NewMessage("id-1", []byte("payload"))
			msg.Metadata = metadata
			back := roundTrip(t, msg)
			if diff := cmp.Diff(metadata, back.Metadata); diff != "" {
				t.Error(diff)
			}
			if back.UUID != "id-1" || string(back.Payload) != "payload" {
				t.Errorf("got %q %q", back.UUID, back.Payload)
			}
		})
	}
}

func TestCodecForeignMessages(t *testing.T) {
	t.Parallel()
	msg, err := natspubsub.HeaderCodec{}.Decode(nats.Header{
		"Nats-Msg-Id": {"abc"}, "Nats-Stream": {"S"}, "X": {"one", "two"}, "Empty": {},
	}, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(message.Metadata{"X": "one", "X[1]": "two"}, msg.Metadata); diff != "" {
		t.Error(diff)
	}
	if msg.UUID != "abc" {
		t.Errorf("UUID %q: want the Nats-Msg-Id", msg.UUID)
	}
	if _, err := (natspubsub.HeaderCodec{}).Decode(nats.Header{natspubsub.HeaderMetadata: {"%zz"}}, nil); err == nil {
		t.Error("broken form encoding: want an error")
	}
}

func TestCodecManyValuesOnTheWire(t *testing.T) {
	t.Parallel()
	msg := message.NewMessage("", nil)
	msg.Metadata = message.Metadata{"X": "one", "X[1]": "two"}
	out, err := natspubsub.HeaderCodec{}.Encode("s", msg)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(nats.Header{"X": {"one", "two"}}, out.Header); diff != "" {
		t.Error(diff)
	}
}

func TestCodecRefusesUUID(t *testing.T) {
	t.Parallel()
	if _, err := (natspubsub.HeaderCodec{}).Encode("s", message.NewMessage("a\nb", nil)); err == nil {
		t.Error("want an error: the header would change the UUID")
	}
}

func FuzzCodecRoundTrip(f *testing.F) {
	f.Add("k", "v", "k[1]", "w")
	f.Add("Nats-Msg-Id", "x", "Status", "404")
	f.Add("a b", " \r\n", "", "\x00")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string) {
		msg := message.NewMessage("id", nil)
		msg.Metadata = message.Metadata{k1: v1, k2: v2}
		if diff := cmp.Diff(msg.Metadata, roundTrip(t, msg).Metadata); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzCodecDecode(f *testing.F) {
	f.Add([]byte("NATS/1.0\r\nA: b\r\n\r\n"))
	f.Add([]byte("NATS/1.0 503\r\nA: b\r\nA: c\r\nWatermill-Metadata: a=%zz\r\n\r\n"))
	f.Fuzz(func(t *testing.T, block []byte) {
		header, err := nats.DecodeHeadersMsg(block)
		if err != nil {
			t.Skip()
		}
		msg, err := natspubsub.HeaderCodec{}.Decode(header, nil)
		if (msg == nil) == (err == nil) {
			t.Errorf("message %v, error %v: want exactly one", msg, err)
		}
	})
}
