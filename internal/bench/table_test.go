package bench

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/2lab-ai/hal9/internal/goldentest"
)

// exampleTable has a row of every kind: whole, latencies, a yardstick only, nothing.
func exampleTable() Table {
	t := Table{Machine: "Some CPU, 2 cores, 24 GiB, linux/amd64 6.1, go1.26, stores on ext4", Commit: "0123456789ab", Rows: []Row{
		{
			ID: "propagation_idle", Title: "five layers that pass on, one at a time", P50: new(.1834), P99: new(1.0049), Value: new(.1834), Unit: "ms",
			Yardstick: new(.1702), Must: new(true), Goal: new(false), Rounds: 3, Note: "best bare loop: Fetch, ack per burst",
		},
		{
			ID: "throughput", Title: "five layers that pass on, sustained", Value: new(1_234_567.), Unit: "signals/s",
			Yardstick: new(21_000.), Must: new(true), Goal: new(true), Rounds: 3,
			Note: "a | in a note, and one that is so long that it needs a further line: " + strings.Repeat("all work and no play ", 5),
		},
		{ID: "neurons", Title: "1,000 neurons on 128 features", Unit: "ms", Yardstick: new(.0512), Rounds: 3, Note: "L2 has no bank of neurons yet"},
		{ID: "users", Title: "1,000 concurrent users for 60 s", Unit: "ms", Note: "not measured: run `hal9 load --users 1000 --for 60s`"},
		{ID: "odd", Title: "a|b", Value: new(0.), Unit: "ms"},
	}}
	for i := range t.Rows {
		t.Rows[i].compare()
	}
	return t
}

func TestGolden(t *testing.T) {
	table := exampleTable()
	for name, write := range map[string]func(*bytes.Buffer) error{
		"table.txt": func(b *bytes.Buffer) error { return table.WriteTable(b) },
		"table.md":  func(b *bytes.Buffer) error { return table.WriteMarkdown(b) },
		"table.json": func(b *bytes.Buffer) error {
			encoder := json.NewEncoder(b)
			encoder.SetIndent("", "  ")
			return encoder.Encode(table)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			goldentest.Check(t, filepath.Join("testdata", name), got.String())
		})
	}
}

// TestJSONShape holds the JSON to what design.md promises to programs.
func TestJSONShape(t *testing.T) {
	data, err := json.Marshal(exampleTable())
	if err != nil {
		t.Fatal(err)
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(data, &top); err != nil {
		t.Fatal(err)
	}
	if len(top) != 3 || top["machine"] == nil || top["commit"] == nil || top["rows"] == nil {
		t.Errorf("the table has %d members: want machine, commit and rows", len(top))
	}
	var rows []map[string]any
	if err := json.Unmarshal(top["rows"], &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, name := range []string{"id", "unit"} {
			if _, ok := row[name].(string); !ok {
				t.Errorf("row %v: %s is %v: want a text", row["id"], name, row[name])
			}
		}
		for _, name := range []string{"p50", "p99", "value", "yardstick", "ratio"} {
			value, there := row[name]
			if _, number := value.(float64); !there || !number && value != nil {
				t.Errorf("row %v: %s is %v: want a number or null", row["id"], name, value)
			}
		}
		for _, name := range []string{"must", "goal"} {
			value, there := row[name]
			if _, truth := value.(bool); !there || !truth && value != nil {
				t.Errorf("row %v: %s is %v: want true, false or null", row["id"], name, value)
			}
		}
	}
	empty, err := json.Marshal(Table{Rows: []Row{}})
	if err != nil || !strings.Contains(string(empty), `"rows":[]`) {
		t.Errorf("a table without rows is %s, %v: want an empty list", empty, err)
	}
}

func TestIDs(t *testing.T) {
	for _, id := range []string{
		"propagation_idle", "propagation_1k", "throughput", "layer", "neurons", "consensus", "memory", "transport", "cache", "users",
		"propagation_real", "throughput_real",
	} {
		if !slices.Contains(IDs(), id) {
			t.Errorf("there is no row %s", id)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, test := range []struct {
		figure *float64
		want   string
	}{
		{nil, "–"},
		{new(0.), "0"},
		{new(1234567.8), "1,234,568"},
		{new(999.), "999"},
		{new(1000.), "1,000"},
		{new(99.96), "100.0"},
		{new(12.345), "12.3"},
		{new(1.), "1.00"},
		{new(.0512), "0.0512"},
		{new(.000641), "0.000641"},
		{new(-1234.5), "-1,234"},
		{new(-1.5), "-1.50"},
	} {
		if got := number(test.figure); got != test.want {
			t.Errorf("%v is written %q: want %q", test.figure, got, test.want)
		}
	}
}
