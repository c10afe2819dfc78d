package rawjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/layers/rawjson"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		`{}`, ` { } `, `{"a":1}`, ` { "a" : 1 , "b" : "x" } `, `{"a":{"b":[1,{"c":"}"}]},"d":[],"e":null,"f":-1.5e3,"g":true}`,
		`{"a\"b":"c\\","d":"\\\"","e\u00e9":"\u263a"}`, `{"":""}`, "{\"a\":\n[1,\t2]}",
	} {
		var want map[string]json.RawMessage
		if err := json.Unmarshal([]byte(data), &want); err != nil {
			t.Fatal(err)
		}
		got, ok := membersOf([]byte(data))
		if !ok {
			t.Errorf("%s: not an object", data)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", data, diff)
		}
	}
}

func TestBrokenObjects(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, ` `, `[]`, `1`, `"a"`, `{`, `{"a"`, `{"a"}`, `{"a":`, `{"a":}`, `{"a":1`, `{"a":1,`, `{"a":1 "b":2}`, `{"a":"x}`, `{"a":[1}`, `{a:1}`, `{,}`, `{"a":1,}`} {
		if got, ok := membersOf([]byte(data)); ok {
			t.Errorf("%s: taken for an object with %v", data, got)
		}
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		data string
		want []string
		ok   bool
	}{
		{`[]`, nil, true},
		{` [ 1 , "a" , [2] , {"b":3} ] `, []string{`1`, `"a"`, `[2]`, `{"b":3}`}, true},
		{`{}`, nil, false},
		{`[1`, []string{`1`}, false},
		{`[1,]`, []string{`1`}, false},
	} {
		var got []string
		ok := rawjson.Elements([]byte(tt.data), func(value []byte) bool { got = append(got, string(value)); return true })
		if ok != tt.ok || !cmp.Equal(got, tt.want) {
			t.Errorf("%s: got %q, %t, want %q, %t", tt.data, got, ok, tt.want, tt.ok)
		}
	}
}

func TestVisitEndsTheWalk(t *testing.T) {
	t.Parallel()
	visits := 0
	if !rawjson.Members([]byte(`{"a":1,"b":2,broken`), func([]byte, []byte) bool { visits++; return visits < 2 }) || visits != 2 {
		t.Errorf("%d visits, want 2, and an object as far as it was read", visits)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{`"a"`: "a", `""`: "", `"a\nb"`: "a\nb", `"\u263a"`: "☺", "\"\xff\"": "�"} {
		if got, ok := rawjson.Text([]byte(value)); !ok || string(got) != want {
			t.Errorf("%s: got %q, %t, want %q", value, got, ok, want)
		}
	}
	for _, value := range []string{``, `1`, `null`, `"`, `{}`} {
		if got, ok := rawjson.Text([]byte(value)); ok {
			t.Errorf("%s: taken for the string %q", value, got)
		}
	}
}

// FuzzMembers compares with encoding/json whatever that takes for an object, and walks through anything.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":{"c":["d",null]}}`, `{"a\\":"\""}`, `[1,[2]]`, `{"a":tru`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := membersOf(data)
		rawjson.Elements(data, func([]byte) bool { return true })
		var want map[string]json.RawMessage
		if json.Unmarshal(data, &want) != nil || want == nil {
			return
		}
		if !ok {
			t.Fatalf("%q is an object", data)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", data, diff)
		}
	})
}

func BenchmarkMembers(b *testing.B) {
	data := []byte(`{"signal_id":"b00000300","source":"agent","key":"node-300","reason":"` + strings.Repeat("passed on ", 30) + `","hops":[{"layer":"L1","wait_us":100,"process_us":3},{"layer":"L2","wait_us":80,"process_us":9}]}`)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		rawjson.Members(data, func(_, value []byte) bool { return len(value) > 0 })
	}
}

// membersOf keeps the last of equal names, as encoding/json does.
func membersOf(data []byte) (members map[string]json.RawMessage, ok bool) {
	members = map[string]json.RawMessage{}
	ok = rawjson.Members(data, func(name, value []byte) bool { members[string(name)] = value; return true })
	return members, ok
}
