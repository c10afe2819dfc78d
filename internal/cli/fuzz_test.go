package cli_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/2lab-ai/hal9/internal/app"
	"github.com/2lab-ai/hal9/internal/cli"
	"github.com/2lab-ai/hal9/layers"
)

// fuzzReader checks what the reader promises of any bytes: it ends, its numbers rise, each
// line gives signals or a reason in one line, the same bytes give the same signals, and what
// it gives can be sent.
func fuzzReader(f *testing.F, format cli.Format, seeds ...string) {
	f.Helper()
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, ok := replay(t, format, data)
		if !ok {
			return
		}
		if again, _ := replay(t, format, data); !cmp.Equal(first, again) {
			t.Errorf("read twice, it differs:\n%s", cmp.Diff(first, again))
		}
	})
}

func replay(t *testing.T, format cli.Format, data []byte) (signals []layers.Signal, ok bool) {
	t.Helper()
	r, err := cli.NewReader(bytes.NewReader(data), cli.ReaderConfig{Name: "-", Source: "fuzz", Format: format}, newDoor(t))
	if err != nil {
		return nil, false
	}
	number, end := 0, int64(0)
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return signals, true
		}
		if err != nil {
			t.Fatal(err)
		}
		if line.Number <= number || line.End < end || line.End > int64(len(data)) {
			t.Fatalf("line %d up to byte %d behind line %d up to %d, of %d", line.Number, line.End, number, end, len(data))
		}
		number, end = line.Number, line.End
		switch {
		case line.Err != nil && (len(line.Items) > 0 || strings.ContainsAny(line.Err.Error(), "\r\x00")):
			t.Fatalf("line %d has %d signals and the reason %q", number, len(line.Items), line.Err)
		case line.Err == nil && len(line.Items) == 0 && format != cli.FormatAlertmanager && format != cli.FormatCloudEvents:
			t.Fatalf("line %d has neither signals nor a reason", number)
		}
		for i := range line.Items {
			if _, err := app.SignalRecord(&line.Items[i]); err != nil {
				t.Fatalf("line %d can't be sent: %v", number, err)
			}
			signals = append(signals, line.Items[i].Signal)
		}
	}
}

func FuzzReaderText(f *testing.F) {
	fuzzReader(f, cli.FormatText, "one\n\ntwo\r\n12.5", "a\xff\n\x00\n", "\xef\xbb\xbfx", "[1,2]\n{\"a\":1}\n")
}

func FuzzReaderCSV(f *testing.F) {
	fuzzReader(f, cli.FormatCSV, "timestamp,value\n2014-07-01 00:00:00,1\n",
		"LineId,Date,Time,Level,Id,Content\n1,2015-07-29,\"17:41:44,747\",WARN,7,\"a \"\"b\"\"\"\n",
		"message\n\"two\nlines\"\n\"open\n", "value\nNaN\n1,2\n\"a\"b,c\n", "time,message,host\r\nyesterday,x,db-1\r\n", "message\n\"a\"\r\r\n")
}

func FuzzReaderJSONL(f *testing.F) {
	fuzzReader(f, cli.FormatJSONL, "{\"message\":\"a\"}\n\"b\"\n3\nnope\n", "[\n{\"id\":1},\n2,\"x\\\"]\"\n]", "[{\"a\":1}", "{\n\"a\":{}\n}}{]", "[[1],[2]]", "[]\n[1]")
}

func FuzzReaderCloudEvents(f *testing.F) {
	fuzzReader(f, cli.FormatCloudEvents, `{"specversion":"1.0","id":"a","source":"/s","type":"t"}`+"\n", `[{"specversion":"1.0","id":"a","source":"/s","type":"t"}]`)
}

func FuzzReaderAlertmanager(f *testing.F) {
	fuzzReader(f, cli.FormatAlertmanager, `[{"labels":{"alertname":"A"}}]`+"\n"+`{"version":"4","alerts":[{"labels":{"alertname":"A"}}]}`, `{"labels":{"x":"y"}}`, "[]")
}
