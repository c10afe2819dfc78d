package web

import (
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

func TestWholeIsShownAsSuch(t *testing.T) {
	b := setup(t)
	open := uint64(3)
	b.state.Whole = &Whole{Known: true, Open: &open, Plans: 1200, Dead: 7}
	b.state.Layers = []LayerStatus{
		{Layer: layers.NameL1, Running: true, Staff: &Staff{Processes: 1}},
		{Layer: layers.NameL2, Running: true, Staff: &Staff{Processes: 3}, Partitions: &Partitions{Owned: 12, All: 12}},
		{Layer: layers.NameL3, Staff: &Staff{}, Partitions: &Partitions{All: 12}},
		{Layer: layers.NameL4},
	}
	page := b.get(t, "/").Body.String()
	for _, want := range []string{
		"of all processes", "Situations open", "<small>1 process</small>", "3 processes, 12 of 12 partitions owned",
		"no process works on it: hal9 run --layer L3", `class="nobody"`, "processes unknown", "1\u202f200",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, never := range []string{"not in this process", "this process's since"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
	status := b.get(t, "/v1/status").Body.String()
	for _, want := range []string{
		`"whole":{"known":true,"situations_open":3,"plans_proposed":1200,"dead_letters":7}`,
		`"processes":3,"partitions_owned":12,"partitions":12`, `"processes":0,`,
	} {
		if !strings.Contains(status, want) {
			t.Errorf("the status has no %q: %s", want, status)
		}
	}
	b.state.Whole = &Whole{Known: true, Plans: 1200}
	if page := b.get(t, "/").Body.String(); strings.Count(page, "<dt>Situations open</dt><dd title=\"hal9 tail --kind situations\">unknown</dd>") != 1 {
		t.Error("open situations that cannot be counted are shown as a number")
	}
	if status := b.get(t, "/v1/status").Body.String(); !strings.Contains(status, `"situations_open":null`) {
		t.Errorf("the same in the status: %s", status)
	}
	b.state.Whole = &Whole{}
	if page := b.get(t, "/").Body.String(); strings.Count(page, ">unknown</dd>") < 3 {
		t.Error("figures that are not known are shown as known")
	}
}
