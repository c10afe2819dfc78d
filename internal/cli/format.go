package cli

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Format says what the lines of a file are.
type Format string

// The formats of feed.
const (
	FormatText         Format = "text"         // each line is a message, or a number
	FormatCSV          Format = "csv"          // the first row names the columns
	FormatJSONL        Format = "jsonl"        // each line is one JSON value
	FormatCloudEvents  Format = "cloudevents"  // structured CloudEvents, one a line or in an array
	FormatAlertmanager Format = "alertmanager" // webhook bodies or arrays of alerts
)

// Formats lists them.
func Formats() []Format {
	return []Format{FormatText, FormatCSV, FormatJSONL, FormatCloudEvents, FormatAlertmanager}
}

// ParseFormat reads a format's word; "" is none, for "find out".
func ParseFormat(text string) (Format, error) {
	if format := Format(text); text == "" || slices.Contains(Formats(), format) {
		return format, nil
	}
	return "", fmt.Errorf("cli: %q is no format: want text, csv, jsonl, cloudevents or alertmanager", text)
}

// formatOf tells the format from a file's name; "" means that its content tells.
func formatOf(name string) Format {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return FormatCSV
	case ".jsonl", ".ndjson":
		return FormatJSONL
	case ".log", ".txt", ".out":
		return FormatText
	default:
		return ""
	}
}

// look tells the format from how a file begins.
func look(head []byte) Format {
	has := func(name string) bool { return bytes.Contains(head, []byte(`"`+name+`"`)) }
	switch {
	case !beginsJSON(head):
		return FormatText
	case has("specversion"):
		return FormatCloudEvents
	case has("alerts") && (has("receiver") || has("groupKey")), has("labels") && has("alertname"):
		return FormatAlertmanager
	default:
		return FormatJSONL
	}
}

// beginsJSON tells objects and arrays of objects from log lines such as "[warn] disk full".
func beginsJSON(head []byte) bool {
	head = bytes.TrimSpace(head)
	if len(head) > 0 && head[0] == '[' {
		if head = bytes.TrimSpace(head[1:]); len(head) == 0 || head[0] == ']' {
			return true
		}
	}
	if len(head) == 0 || head[0] != '{' {
		return false
	}
	head = bytes.TrimSpace(head[1:])
	return len(head) == 0 || head[0] == '"' || head[0] == '}'
}
