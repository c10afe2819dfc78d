package main

import "testing"

func TestSyncIsChosen(t *testing.T) {
	t.Parallel()
	for sync, always := range map[string]bool{"interval": false, "always": true} {
		f := &upFlags{sync: sync}
		if err := f.chooseSync(); err != nil || f.server.SyncAlways != always {
			t.Errorf("--sync %s: always %t (%v), want %t", sync, f.server.SyncAlways, err, always)
		}
	}
	if err := (&upFlags{sync: "sometimes"}).chooseSync(); err == nil {
		t.Error("--sync sometimes is no choice")
	}
}
