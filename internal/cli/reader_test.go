package cli_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/layers"
)

// readAll reads a file to its end and returns each signal and each error as a line.
func readAll(tb testing.TB, cfg cli.ReaderConfig, in io.Reader) (format cli.Format, signals []layers.Signal, problems []string) {
	tb.Helper()
	if cfg.Source == "" {
		cfg.Source = cli.SourceOfFile(cfg.Name)
	}
	r, err := cli.NewReader(in, cfg, newDoor(tb))
	if err != nil {
		tb.Fatal(err)
	}
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Format(), signals, problems
		}
		if err != nil {
			tb.Fatal(err)
		}
		if line.Note != "" {
			problems = append(problems, line.Note)
		}
		if line.Err != nil {
			problems = append(problems, fmt.Sprintf("%d: %v", line.Number, line.Err))
		}
		for i := range line.Items {
			signals = append(signals, line.Items[i].Signal)
		}
	}
}

// brief tells of a signal what tests compare.
func brief(signals []layers.Signal) []string {
	var lines []string
	for i := range signals {
		s := &signals[i]
		text := fmt.Sprintf("%s/%s key=%s", s.Source, s.ID, s.Key)
		if s.Severity != 0 {
			text += " " + s.Severity.String()
		}
		if s.HasValue {
			text += fmt.Sprintf(" value=%g", s.Value)
		}
		if s.Text != "" {
			text += " text=" + s.Text
		}
		if len(s.Labels) > 0 {
			text += fmt.Sprint(" ", s.Labels)
		}
		if !s.Time.Equal(noon) {
			text += " at " + s.Time.Format(time.RFC3339Nano)
		}
		lines = append(lines, text)
	}
	return lines
}

func TestReaderReadsEachFormat(t *testing.T) {
	event := `{"specversion":"1.0","id":"e1","source":"/shop","type":"order","subject":"db-1","data":{"message":"paid"}}`
	alert := `{"labels":{"alertname":"DiskFull","instance":"db1","severity":"critical"},"startsAt":"2026-03-04T11:00:00Z"}`
	alertLine := "alertmanager/a-%s key=db1 critical text=DiskFull map[alertname:DiskFull alertstatus:firing instance:db1 severity:critical] at 2026-03-04T11:00:00Z"
	for _, c := range []struct {
		name, file, in string
		cfg            cli.ReaderConfig
		format         cli.Format
		want, problems []string
	}{
		{
			name: "text", file: "app.log", in: "one\n\n2014 ERROR two\r\n12.5\nlast", format: cli.FormatText,
			want: []string{"app/app-1 key=app text=one", "app/app-3 key=app error text=2014 ERROR two", "app/app-4 key=app value=12.5", "app/app-5 key=app text=last"},
		},
		{
			name: "text that begins with a bracket, without extension", file: "messages", in: "[warn] disk\n[1,2] no array\n", format: cli.FormatText,
			want: []string{"messages/messages-1 key=messages warning text=[warn] disk", "messages/messages-2 key=messages text=[1,2] no array"},
		},
		{
			name: "text with bad lines", file: "a.txt", in: "ok\nab\xffc\nx\x00y\nok\n", format: cli.FormatText,
			want:     []string{"a/a-1 key=a text=ok", "a/a-4 key=a text=ok"},
			problems: []string{"2: invalid UTF-8 at byte 2; want UTF-8; binary data needs CloudEvents' binary mode or data_base64", "3: no text: byte 1 is zero; want text, a number or a JSON object"},
		},
		{
			name: "NAB", file: "nyc_taxi.csv", in: "timestamp,value\n2014-07-01 00:00:00,10844\n2014-07-01 00:30:00,8.127e3\n", format: cli.FormatCSV,
			want: []string{"nyc_taxi/nyc_taxi-2 key=nyc_taxi value=10844 at 2014-07-01T00:00:00Z", "nyc_taxi/nyc_taxi-3 key=nyc_taxi value=8127 at 2014-07-01T00:30:00Z"},
		},
		{
			name: "Loghub", file: "z.csv", in: "LineId,Date,Time,Level,Node,Id,Content\n1,2015-07-29,\"17:41:44,747\",WARN,n1,774,\"Send, \"\"now\"\"\"\n", format: cli.FormatCSV,
			want: []string{`z/z-2 key=n1 warning text=Send, "now" map[Id:774 Node:n1] at 2015-07-29T17:41:44.747Z`},
		},
		{
			name: "Loghub with times that nobody can read", file: "z.csv", in: "LineId,Time,Level,Content\n1,Sun Dec 04 04:47:44 2005,error,a\n2,Sun Dec 04 04:47:45 2005,notice,b\n", format: cli.FormatCSV,
			want: []string{"z/z-2 key=z error text=a map[Time:Sun Dec 04 04:47:44 2005]", "z/z-3 key=z info text=b map[Time:Sun Dec 04 04:47:45 2005]"},
			problems: []string{`Time is kept as a label, and signals get the present time: field "time": "Sun Dec 04 04:47:44 2005" is no RFC 3339 time; ` +
				`want RFC 3339 such as "2014-07-01T00:00:00Z", "2014-07-01 00:00:00" (UTC), or Unix seconds, milliseconds, microseconds or nanoseconds`},
		},
		{
			name: "csv of all columns", file: "x.csv", in: "\xef\xbb\xbfid,Source,type,key,ts,severity,message,value,region,\na,s,t,k,1404172800,high,\"two\nlines\",,eu,x\n", format: cli.FormatCSV,
			want: []string{"s/a key=k error text=two\nlines map[region:eu] at 2014-07-01T00:00:00Z"},
		},
		{
			name: "csv with bad rows", file: "x.csv", in: "time,value\n1404172800,abc\n1404172800\n1404172800,NaN\nyesterday,1\n1404172801,2\n\"open,1\n", format: cli.FormatCSV,
			want: []string{"x/x-6 key=x value=2 at 2014-07-01T00:00:01Z"},
			problems: []string{
				`2: column "value": "abc" is no finite number`, "3: the row has 1 cells; want 2 as in the first row", `4: column "value": "NaN" is no finite number`,
				`5: field "time": "yesterday" is no RFC 3339 time; want RFC 3339 such as "2014-07-01T00:00:00Z", "2014-07-01 00:00:00" (UTC), or Unix seconds, milliseconds, microseconds or nanoseconds`,
				"7: a quoted cell does not end before the file does",
			},
		},
		{name: "empty csv", file: "x.csv", format: cli.FormatCSV},
		{
			name: "jsonl", file: "x.jsonl", in: `{"id":1,"source":"web","message":"a"}` + "\n" + `{"message":"b","level":"warn"}` + "\n\"c\"\n4.5\nd\n[1]\n{\"a\":\nnull\n", format: cli.FormatJSONL,
			want: []string{"web/1 key=web text=a", "x/x-2 key=x warning text=b", "x/x-3 key=x text=c", "x/x-4 key=x value=4.5"},
			problems: []string{
				`5: broken JSON at byte 0, near "d"; want a JSON value`, "6: a JSON array is several signals; want them published one by one, or the array POSTed to /v1/signals",
				"7: broken JSON: it ends at byte 5; want a JSON value", "8: the JSON value null is no signal; want text, a number or a JSON object",
			},
		},
		{
			name: "JSON array over lines", file: "x.json", in: "[\n {\"message\":\"a\"},\n {\"message\":\"b\"\n}, 3, \"c\"\n]\n", format: cli.FormatJSONL,
			want: []string{"x/x-1 key=x text=a", "x/x-2 key=x text=b", "x/x-3 key=x value=3", "x/x-4 key=x text=c"},
		},
		{name: "JSON array in one line", file: "x.json", in: `[{"message":"a"},{"message":"b"}]`, format: cli.FormatJSONL, want: []string{"x/x-1 key=x text=a", "x/x-2 key=x text=b"}},
		{name: "JSON object over lines", file: "x.json", in: "{\n \"message\": \"a\"\n}\n{\n \"message\": \"}\\\"\"\n}\n", format: cli.FormatJSONL, want: []string{"x/x-1 key=x text=a", `x/x-2 key=x text=}"`}},
		{
			name: "array that is cut off", file: "x.json", in: `[{"message":"a"},` + "\n", format: cli.FormatJSONL,
			want: []string{"x/x-1 key=x text=a"}, problems: []string{"2: the array does not end: is the file cut off?"},
		},
		{
			name: "cloudevents by line", file: "x.json", in: event + "\n{\"id\":\"e2\"}\n[" + event + "]\n", format: cli.FormatCloudEvents,
			want:     []string{"/shop/e1 key=db-1 text=paid", "/shop/e1 key=db-1 text=paid"},
			problems: []string{`2: field "specversion": is missing; want "1.0": the content type says CloudEvents`},
		},
		{name: "cloudevents batch", file: "x.json", in: "[\n" + event + "\n]", format: cli.FormatCloudEvents, want: []string{"/shop/e1 key=db-1 text=paid"}},
		{
			name: "alerts", file: "a.json", in: "[" + alert + ",\n" + alert + "]", format: cli.FormatAlertmanager,
			want: []string{fmt.Sprintf(alertLine, "1"), fmt.Sprintf(alertLine, "2")},
		},
		{
			name: "arrays of alerts by line", file: "a.json", in: "[" + alert + "," + alert + "]\n[" + alert + "]\n", format: cli.FormatAlertmanager,
			want: []string{fmt.Sprintf(alertLine, "1-1"), fmt.Sprintf(alertLine, "1-2"), fmt.Sprintf(alertLine, "2-1")},
		},
		{
			name: "webhook", file: "a.json", in: "{\n\"version\":\"4\",\"receiver\":\"x\",\"alerts\":[" + alert + "]}\n", format: cli.FormatAlertmanager,
			want: []string{fmt.Sprintf(alertLine, "1-1")},
		},
		{
			name: "bad alerts", file: "a.json", in: `{"labels":{}}` + "\n" + `{"version":"3","alerts":[]}` + "\n", cfg: cli.ReaderConfig{Format: cli.FormatAlertmanager}, format: cli.FormatAlertmanager,
			problems: []string{`1: field "labels": there are none; want at least one, such as alertname`, `2: field "version": "3" is not supported; want "4"`},
		},
		{
			name: "names that are asked for", file: "x.jsonl", in: `{"id":1,"key":"k","message":"a"}`, format: cli.FormatJSONL,
			cfg: cli.ReaderConfig{Source: "s", Subject: "db-9", IDPrefix: "run2-"}, want: []string{"s/run2-1 key=db-9 text=a"},
		},
		{
			name: "alerts with a source that is asked for", file: "a.json", in: `[{"labels":{"x":"y"}}]`, format: cli.FormatAlertmanager,
			cfg:  cli.ReaderConfig{Format: cli.FormatAlertmanager, Source: "prom", SourceGiven: true},
			want: []string{"prom/prom-1 key=prom map[alertstatus:firing x:y]"},
		},
		{name: "from a line", file: "x.csv", in: "value\n1\n2\n3\n", cfg: cli.ReaderConfig{FromLine: 3}, format: cli.FormatCSV, want: []string{"x/x-3 key=x value=2", "x/x-4 key=x value=3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Name = c.file
			format, signals, problems := readAll(t, c.cfg, strings.NewReader(c.in))
			if format != c.format {
				t.Errorf("format %s, want %s", format, c.format)
			}
			if diff := cmp.Diff(c.want, brief(signals)); diff != "" {
				t.Errorf("signals (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.problems, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReaderRefusesWhatNoLineCanMend(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		cfg            cli.ReaderConfig
	}{
		{"columns without meaning", "a,b\n1,2\n", `line 1: the first row, "a,b", names no column that HAL9 knows`, cli.ReaderConfig{Name: "x.csv", Source: "x"}},
		{"source with a line end", "a", `field "source"`, cli.ReaderConfig{Name: "x.txt", Source: "a\nb"}},
		{"key too long", "a", `field "key": has 600 bytes`, cli.ReaderConfig{Name: "x.txt", Source: "a", Subject: strings.Repeat("k", 600)}},
		{"source and prefix too long", "a", "300 bytes: want at most 200 together", cli.ReaderConfig{Name: "x.txt", Source: strings.Repeat("s", 150), IDPrefix: strings.Repeat("p", 150)}},
		{"format that is none", "a", `"xml" is no format`, cli.ReaderConfig{Name: "x", Source: "x", Format: "xml"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := cli.NewReader(strings.NewReader(c.in), c.cfg, newDoor(t)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestReaderBoundsEntries feeds what is too long between good lines.
func TestReaderBoundsEntries(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	for _, c := range []struct {
		name, file, in string
		want, problems []string
	}{
		{"line", "a.txt", "one\n" + long + "\ntwo\n", []string{"a/a-1 key=a text=one", "a/a-3 key=a text=two"}, []string{"2: the line is too long; want at most 1048576 bytes"}},
		{"last line", "a.txt", "one\n" + long, []string{"a/a-1 key=a text=one"}, []string{"2: the line is too long; want at most 1048576 bytes"}},
		{"value", "a.json", `["one",` + "\n" + `"` + long + `","two"]`, []string{"a/a-1 key=a text=one", "a/a-3 key=a text=two"}, []string{"2: the value is too long; want at most 1048576 bytes"}},
		{
			"cell", "a.csv", "message\none\n\"" + strings.Repeat(strings.Repeat("x", 1023)+"\n", 1100),
			[]string{"a/a-2 key=a text=one"},
			[]string{"3: a quoted cell does not end up to line 1027; want at most 1048576 bytes a row"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, signals, problems := readAll(t, cli.ReaderConfig{Name: c.file}, strings.NewReader(c.in))
			if c.name == "cell" { // What stands behind the cell counts as rows of its own.
				signals, problems = signals[:1], problems[:1]
			}
			if diff := cmp.Diff(c.want, brief(signals)); diff != "" {
				t.Errorf("signals (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.problems, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReaderTakesALiveLine proves that a pipe's first line is read before the second comes.
func TestReaderTakesALiveLine(t *testing.T) {
	for _, first := range []string{`{"message":"a"}`, "plain text"} {
		in, out := io.Pipe()
		lines := make(chan cli.Line, 1)
		go func() {
			defer close(lines)
			r, err := cli.NewReader(in, cli.ReaderConfig{Name: "-", Source: "s"}, newDoor(t))
			if err != nil {
				t.Error(err)
				return
			}
			if line, err := r.Next(); err == nil {
				lines <- line
			}
		}()
		fmt.Fprintln(out, first)
		select {
		case line := <-lines:
			if len(line.Items) != 1 {
				t.Errorf("%q gave %+v, want one signal", first, line)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%q was not read before more came", first)
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
		<-lines
	}
}

func TestReaderReadsRealFiles(t *testing.T) {
	root := dataFolder(t)
	for _, c := range []struct {
		file    string
		signals int
	}{
		{"nab/data/realKnownCause/nyc_taxi.csv", 10320},
		{"loghub/Zookeeper/Zookeeper_2k.log_structured.csv", 2000},
		{"loghub/Linux/Linux_2k.log_structured.csv", 2000},
		{"loghub/BGL/BGL_2k.log_structured.csv", 2000},
		{"loghub/HDFS/HDFS_2k.log", 2000},
		{"payloads/alertmanager_v2_alerts.json", 6},
	} {
		t.Run(filepath.Base(c.file), func(t *testing.T) {
			in, err := os.Open(filepath.Join(root, c.file))
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			_, signals, problems := readAll(t, cli.ReaderConfig{Name: c.file}, in)
			ids := map[string]bool{}
			for i := range signals {
				ids[signals[i].ID] = true
			}
			if len(ids) != c.signals || len(problems) > 1 {
				t.Errorf("%d different ids, want %d; problems %v", len(ids), c.signals, problems)
			}
		})
	}
}

func dataFolder(tb testing.TB) string {
	tb.Helper()
	for _, folder := range []string{os.Getenv("HAL9_DATA"), filepath.Join("..", "..", "..", "shared", "data")} {
		if info, err := os.Stat(filepath.Join(folder, "loghub")); folder != "" && err == nil && info.IsDir() {
			return folder
		}
	}
	tb.Skip("the data is absent: neither $HAL9_DATA nor ../shared/data beside the project holds it")
	return ""
}
