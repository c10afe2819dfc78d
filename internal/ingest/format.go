package ingest

import (
	"mime"
	"strings"
)

// Format is the form of an HTTP body.
type Format uint8

// Formats of POST /v1/signals.
const (
	FormatJSON             Format = iota + 1 // one JSON value, or an array of them
	FormatNDJSON                             // one JSON value per line
	FormatCloudEvent                         // one CloudEvent in the JSON format
	FormatCloudEventBatch                    // a JSON array of CloudEvents
	FormatCloudEventBinary                   // a CloudEvent whose attributes are ce-* headers
	FormatText                               // one signal per line
)

var formatTexts = [...]string{
	"invalid", "JSON", "NDJSON", "CloudEvent", "CloudEvents batch", "binary CloudEvent", "text",
}

// String names the format for people.
func (f Format) String() string {
	if int(f) >= len(formatTexts) {
		return formatTexts[0]
	}
	return formatTexts[f]
}

// Media types of CloudEvents; a suffix names the event format.
const (
	cloudEventType      = "application/cloudevents"
	cloudEventBatchType = "application/cloudevents-batch"
)

// UnsupportedFormatError says that a body's content type cannot be read (HTTP 415).
type UnsupportedFormatError struct {
	ContentType string
}

// Error names the content types that are supported.
func (e *UnsupportedFormatError) Error() string {
	return "ingest: content type " + quote(e.ContentType) + " is not supported; want application/json, application/x-ndjson, application/cloudevents+json, " +
		"application/cloudevents-batch+json, text/plain, or ce-* headers"
}

// FormatOf tells a body's format from its content type and headers. A missing content type
// counts as JSON. The error is an *UnsupportedFormatError.
func FormatOf(contentType string, headers map[string][]string) (Format, error) {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	if contentType == "" {
		mediaType, err = "application/json", nil
	}
	if err != nil {
		return 0, &UnsupportedFormatError{ContentType: contentType}
	}
	switch mediaType {
	case cloudEventType + "+json":
		return FormatCloudEvent, nil
	case cloudEventBatchType + "+json":
		return FormatCloudEventBatch, nil
	}
	if strings.HasPrefix(mediaType, cloudEventType) {
		return 0, &UnsupportedFormatError{ContentType: contentType}
	}
	if h := readHeader(headers); h.isCloudEvent() {
		return FormatCloudEventBinary, nil
	}
	format := plainFormat(mediaType)
	if format == 0 || !isUTF8Name(parameters["charset"]) {
		return 0, &UnsupportedFormatError{ContentType: contentType}
	}
	return format, nil
}

// plainFormat is the format of a body that is no CloudEvent, or 0.
func plainFormat(mediaType string) Format {
	switch mediaType {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
		"application/jsonlines", "application/x-jsonl", "application/json-lines":
		return FormatNDJSON
	case "text/plain":
		return FormatText
	case "application/x-www-form-urlencoded":
		return FormatJSON // what `curl -d` says of JSON, and nothing else that is sent here is
	}
	if isJSONType(mediaType) {
		return FormatJSON
	}
	return 0
}

func isUTF8Name(charset string) bool {
	switch strings.ToLower(charset) {
	case "", "utf-8", "utf8", "us-ascii":
		return true
	default:
		return false
	}
}
