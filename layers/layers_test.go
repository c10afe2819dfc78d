package layers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/2lab-ai/hal9/layers"
)

func TestParseSeverity(t *testing.T) {
	for text, want := range map[string]layers.Severity{
		"": layers.SeverityUnset, "none": layers.SeverityUnset, "Trace": layers.SeverityDebug, "DEBUG": layers.SeverityDebug,
		"Information": layers.SeverityInfo, "notice": layers.SeverityInfo, "Normal": layers.SeverityInfo,
		"warn": layers.SeverityWarning, " WARNING ": layers.SeverityWarning, "err": layers.SeverityError, "SEVERE": layers.SeverityError,
		"P1": layers.SeverityCritical, "p2": layers.SeverityError, "P3": layers.SeverityWarning, "P5": layers.SeverityInfo, "SEV1": layers.SeverityCritical, "Average": layers.SeverityWarning,
		"fatal": layers.SeverityCritical, "emerg": layers.SeverityCritical, "page": layers.SeverityCritical,
		"0": layers.SeverityUnset, "1": layers.SeverityDebug, "8": layers.SeverityDebug, "9": layers.SeverityInfo, "12": layers.SeverityInfo,
		"13": layers.SeverityWarning, "17": layers.SeverityError, "20": layers.SeverityError, "21": layers.SeverityCritical, "24": layers.SeverityCritical,
	} {
		if got, err := layers.ParseSeverity(text); got != want || err != nil {
			t.Errorf("%q is %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"loud", "25", "-1", "1.5"} {
		if got, err := layers.ParseSeverity(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

func TestTextFormsRoundTrip(t *testing.T) {
	for _, layer := range layers.Names() {
		roundTrip(t, layer)
		if next, ok := layer.Next(); ok != (layer != layers.NameL5) || (ok && next != layer+1) {
			t.Errorf("after %s comes %s (%v)", layer, next, ok)
		}
	}
	for _, disposition := range layers.Dispositions() {
		roundTrip(t, disposition)
	}
	for s := layers.SeverityUnset; s <= layers.SeverityCritical; s++ {
		roundTrip(t, s)
	}
}

func roundTrip[T comparable](t *testing.T, want T) {
	t.Helper()
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got T
	if err := json.Unmarshal(data, &got); err != nil || got != want {
		t.Errorf("%v became %v through %s (%v)", want, got, data, err)
	}
}

func TestZeroValuesAreInvalid(t *testing.T) {
	if _, err := json.Marshal(layers.Name(0)); err == nil {
		t.Error("the zero layer has a text form")
	}
	if _, err := json.Marshal(layers.Disposition(0)); err == nil {
		t.Error("the zero disposition has a text form")
	}
	var layer layers.Name
	for _, text := range []string{"", "L0", "L6", "L11", "three"} {
		if err := layer.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is layer %s", text, layer)
		}
	}
}

func TestPermanent(t *testing.T) {
	cause := errors.New("never")
	wrapped := fmt.Errorf("l2: %w", layers.Permanent(cause))
	if !layers.IsPermanent(wrapped) || !errors.Is(wrapped, cause) || wrapped.Error() != "l2: never" {
		t.Errorf("%v lost its mark, its cause or its text", wrapped)
	}
	if layers.IsPermanent(cause) || layers.Permanent(nil) != nil {
		t.Error("what nobody marked is permanent")
	}
}
