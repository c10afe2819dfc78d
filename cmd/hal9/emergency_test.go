package main

import "testing"

// TestWayBackIsQuoted holds that the command that goes back can be pasted, whatever the cluster and the file are called.
func TestWayBackIsQuoted(t *testing.T) {
	f := &scaleFlags{crisis: newCrisis(&global{})}
	if got := f.restoreCommand(); got != "hal9 emergency restore --yes" {
		t.Errorf("got %s", got)
	}
	f.record, f.kube.Context, f.kube.Namespace = "/home/dave/way back.json", "prod eu", "night"
	const want = `hal9 emergency restore '/home/dave/way back.json' --context 'prod eu' --namespace night --yes`
	if got := f.restoreCommand(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
