package doctor

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestDisk: the folder of an earlier `hal9 up` is that of NATS only where such a process answers from this machine.
func TestDisk(t *testing.T) {
	t.Parallel()
	name, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "jetstream"), 0o700); err != nil {
		t.Fatal(err)
	}
	const all = `{"layer":"L1","running":true},{"layer":"L2","running":true},{"layer":"L3","running":true},{"layer":"L4","running":true},{"layer":"L5","running":true}`
	for _, test := range []struct {
		what, name, layers string
		data, usual        string
		disk               string // that is looked at; "" for none
		detail             string
	}{
		{"hal9 up here", name, all, "", data, data, ""},
		{"hal9 up elsewhere, such as behind a port-forward", "hal9-0", all, "", data, "", "NATS's data is not on this machine"},
		{"a layer here, NATS elsewhere", name, `{"layer":"L1","running":true}`, "", data, "", "NATS's data is not on this machine"},
		{"hal9 up here, with another folder", name, all, "", filepath.Join(data, "no"), "", "NATS's data is not in " + filepath.Join(data, "no") + ": --data says where it is"},
		{"a folder that was named", "hal9-0", all, data, "", data, ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"ready":true,"layers":[%s],"process":{"name":"%s/7/abc"}}`, test.layers, test.name)
		}))
		opts := options("nats://127.0.0.1:1")
		opts.HTTP, opts.Data, opts.UsualData = []string{server.URL}, test.data, test.usual
		facts, _ := seen(t, opts)
		server.Close()
		if disk := facts.Host.Disk; disk == nil && test.disk != "" || disk != nil && disk.Path != test.disk {
			t.Errorf("%s: %+v", test.what, disk)
		}
		at := slices.IndexFunc(facts.Looked, func(l Look) bool { return l.What == "disk" })
		if at < 0 || facts.Looked[at].OK != (test.disk != "") || test.disk == "" && facts.Looked[at].Detail != test.detail {
			t.Errorf("%s: %+v", test.what, facts.Looked)
		}
	}
}
