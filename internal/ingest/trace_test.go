package ingest

import (
	"strings"
	"testing"
)

func TestTraceParent(t *testing.T) {
	if !ValidTraceParent(goodTrace) || TraceID(goodTrace) != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("%q is valid; trace id %q", goodTrace, TraceID(goodTrace))
	}
	for _, bad := range []string{
		"",
		strings.ToUpper(goodTrace),
		"01" + goodTrace[2:],
		goodTrace + "-x",
		goodTrace[:54],
		strings.Replace(goodTrace, "0af7651916cd43dd8448eb211c80319c", strings.Repeat("0", 32), 1),
		strings.Replace(goodTrace, "b7ad6b7169203331", strings.Repeat("0", 16), 1),
		strings.Replace(goodTrace, "0af7", "0agh", 1),
		strings.Replace(goodTrace, "-b7", "xb7", 1),
		strings.Replace(goodTrace, "-01", "x01", 1),
		strings.Replace(goodTrace, "-01", "-0x", 1),
	} {
		if ValidTraceParent(bad) || TraceID(bad) != "" {
			t.Errorf("%q counts as valid", bad)
		}
	}
}
