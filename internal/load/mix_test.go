package load

import (
	"slices"
	"testing"
)

func TestMix(t *testing.T) {
	for text, want := range map[string]string{
		"nats=80,verdict=20": "nats=80,verdict=20", " tail = 1 , http=2": "http=2,tail=1", "status=1,nats=0": "status=1",
		"": "", "nats": "", "nats=x": "", "nats=1,nats=2": "", "mail=1": "", "nats=-1": "", "nats=0": "", "nats=9999999": "",
	} {
		mix, err := ParseMix(text)
		if (err != nil) != (want == "") || err == nil && mix.String() != want {
			t.Errorf("ParseMix(%q) = %v, %v; want %q", text, mix, err, want)
		}
	}
	if again, err := ParseMix(DefaultMix().String()); err != nil || again.String() != DefaultMix().String() {
		t.Errorf("the default is read back as %v, %v", again, err)
	}
	u := newUser(&Config{Users: 1, Seed: 4, Mix: Mix{OperationNATS: 3, OperationTail: 1}}, "x", 0)
	drawn := make(map[Operation]int)
	for range 10_000 {
		drawn[u.mix.pick(u.random)]++
	}
	if len(drawn) != 2 || !slices.Contains([]int{72, 73, 74, 75, 76, 77, 78}, drawn[OperationNATS]/100) {
		t.Errorf("drawn %v, want three of four to be nats", drawn)
	}
}
