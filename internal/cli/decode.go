package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/internal/ingest"
)

// message decodes one signal as if it had come over NATS, with the line's number for an id.
func (r *Reader) message(e *entry, contentType string) ([]ingest.Item, error) {
	header := map[string][]string{"Nats-Msg-Id": {r.cfg.Source + "-" + strconv.Itoa(e.number)}}
	if contentType != "" {
		header["Content-Type"] = []string{contentType}
	}
	item, err := r.door.Decoder.Message(ingest.Message{
		Subject: ingest.SubjectPrefix + r.cfg.Source, Header: header, Data: e.text,
		Seq: uint64(e.number), Stored: r.door.Now(),
	})
	if err != nil {
		return nil, err
	}
	return []ingest.Item{item}, nil
}

func (r *Reader) text(e entry) ([]ingest.Item, error) { return r.message(&e, "text/plain") }

// json reads one JSON value. What is no object goes through the door for NDJSON, too: over
// NATS it would count as text.
func (r *Reader) json(e entry) ([]ingest.Item, error) {
	items, err := r.message(&e, "")
	if err == nil && e.text[0] != '{' {
		_, err = r.door.Decoder.Body(ingest.FormatNDJSON, nil, e.text, r.door.Now())
	}
	return items, err
}

func (r *Reader) event(e entry) ([]ingest.Item, error) {
	if e.text[0] == '[' {
		return r.door.Decoder.Body(ingest.FormatCloudEventBatch, nil, e.text, r.door.Now())
	}
	return r.message(&e, "application/cloudevents+json")
}

// alerts reads a webhook's body, an array of alerts or one alert.
func (r *Reader) alerts(e entry) (items []ingest.Item, err error) {
	now, single := r.door.Now(), false
	switch {
	case e.text[0] == '[':
		items, err = r.door.Decoder.AlertmanagerAlerts(e.text, now)
	case isWebhook(e.text):
		items, err = r.door.Decoder.AlertmanagerWebhook(e.text, now)
	default:
		single = true
		array := append(append([]byte{'['}, e.text...), ']')
		items, err = r.door.Decoder.AlertmanagerAlerts(array, now)
	}
	for i := range items {
		item := &items[i]
		if item.FilledID {
			item.Signal.ID = fmt.Sprintf("%s-%d", r.cfg.Source, e.number)
			if !single {
				item.Signal.ID += "-" + strconv.Itoa(i+1)
			}
		}
		r.sourceOfAlert(item)
	}
	return items, err
}

// isWebhook tells a webhook's body, broken ones included, from an alert of its own.
func isWebhook(text []byte) bool {
	var body struct {
		Alerts json.RawMessage `json:"alerts"`
	}
	return json.Unmarshal(text, &body) != nil || body.Alerts != nil
}

func (r *Reader) sourceOfAlert(item *ingest.Item) {
	if !r.cfg.SourceGiven {
		return
	}
	s := &item.Signal
	if s.Key == s.Source {
		s.Key = r.cfg.Source
	}
	s.Source = r.cfg.Source
}

// header reads the row that names the columns.
func (r *Reader) header() error {
	for {
		e, err := r.splitter.next()
		if errors.Is(err, io.EOF) {
			return nil // An empty file holds no signals, and that is no mistake.
		}
		if err != nil {
			return err
		}
		if e.bad == nil && len(e.text) == 0 {
			continue
		}
		var row []string
		if err = e.bad; err == nil {
			row, err = cells(e.text)
		}
		if err == nil {
			r.columns, err = newColumns(row)
		}
		if err != nil {
			return fmt.Errorf("cli: line %d: %w", e.number, err)
		}
		return nil
	}
}

// row reads one row of a CSV file.
func (r *Reader) row(e entry) ([]ingest.Item, error) {
	if !utf8.Valid(e.text) {
		return r.text(e) // It says so in the words of the door.
	}
	row, err := cells(e.text)
	if err != nil {
		return nil, err
	}
	if !r.timed && len(row) == len(r.columns.roles) {
		r.timed = true
		r.lookAtTimes(row)
	}
	object, err := r.columns.object(row)
	if err != nil {
		return nil, err
	}
	e.text = object
	items, err := r.message(&e, "")
	if err == nil {
		items[0].Signal.Data = nil // All that the row says stands in the signal's own fields.
	}
	return items, err
}

// lookAtTimes finds out with the first row whether the file's times can be read. Where they
// can't, no row's can, and the signals are better off with the present time.
func (r *Reader) lookAtTimes(row []string) {
	text := r.columns.times(row)
	if text == "" {
		return
	}
	probe, err := json.Marshal(map[string]string{"time": text, "message": "probe"})
	if err == nil {
		_, err = r.message(&entry{text: probe}, "")
	}
	if err != nil {
		r.note = fmt.Sprintf("%s is kept as a label, and signals get the present time: %v", r.columns.dropTimes(), problem(err))
	}
}
