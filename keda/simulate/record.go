package simulate

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sampleOf is the load at one time.
type sampleOf struct {
	at   float64 // seconds since some time
	rate float64 // signals/s from then on
}

// ReadLoad reads a recorded load: CSV of time and signals/s (seconds, or RFC 3339; a header is skipped), or JSON: what
// `hal9 scaler explain --json` prints, decisions as they are stored, or objects with "time" and "rate". Between samples the rate stays.
func ReadLoad(r io.Reader) (Load, error) {
	in := bufio.NewReader(r)
	begin, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	read := readCSV
	if text := bytes.TrimSpace(begin); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		read = readJSON
	}
	samples, err := read(in)
	if err != nil {
		return nil, err
	}
	return spread(samples)
}

// spread makes seconds of samples.
func spread(samples []sampleOf) (Load, error) {
	if len(samples) < 2 {
		return nil, fmt.Errorf("simulate: a recorded load of %d samples: want two or more", len(samples))
	}
	length := samples[len(samples)-1].at - samples[0].at
	if !(length >= 1 && length <= MaxSeconds) {
		return nil, fmt.Errorf("simulate: a recorded load of %g s: want 1 s to a week (%d s)", length, MaxSeconds)
	}
	load := make(Load, int(math.Ceil(length)))
	at := 0
	for i := range load {
		for at+1 < len(samples) && samples[at+1].at-samples[0].at <= float64(i) {
			at++
		}
		load[i] = samples[at].rate
	}
	return load, nil
}

// add appends a sample where it makes sense behind the others.
func add(samples []sampleOf, s sampleOf, where string) ([]sampleOf, error) {
	switch {
	case !(s.rate >= 0 && s.rate <= 1e12):
		return nil, fmt.Errorf("simulate: %s: %g signals/s: want 0 to 1e12", where, s.rate)
	case math.IsNaN(s.at) || math.IsInf(s.at, 0):
		return nil, fmt.Errorf("simulate: %s: no time", where)
	case len(samples) > 0 && s.at <= samples[len(samples)-1].at:
		return nil, fmt.Errorf("simulate: %s: it is not later than the one before: want them in the order of their times", where)
	case len(samples) > 2*MaxSeconds:
		return nil, fmt.Errorf("simulate: more than %d samples", 2*MaxSeconds)
	}
	return append(samples, s), nil
}

func readCSV(r *bufio.Reader) (samples []sampleOf, err error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord, in.TrimLeadingSpace, in.Comment, in.ReuseRecord = 2, true, '#', true
	for first := true; ; first = false {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return samples, nil
		}
		if err != nil {
			return nil, fmt.Errorf("simulate: CSV: %w: want two columns, time and signals/s", err)
		}
		line, _ := in.FieldPos(0)
		where := fmt.Sprintf("line %d", line)
		at, err := secondsOf(record[0])
		rate, wrong := strconv.ParseFloat(strings.TrimSpace(record[1]), 64)
		if err = errors.Join(err, wrong); err != nil {
			if first {
				continue // a header
			}
			return nil, fmt.Errorf("simulate: %s: %q, %q: want a time (seconds or RFC 3339) and signals/s", where, record[0], record[1])
		}
		if samples, err = add(samples, sampleOf{at, rate}, where); err != nil {
			return nil, err
		}
	}
}

func secondsOf(text string) (float64, error) {
	text = strings.TrimSpace(text)
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return float64(at.UnixMicro()) / 1e6, nil
	}
	return strconv.ParseFloat(text, 64)
}

// entry is a decision of HAL9's scaler, as far as it tells of load, or a plain sample.
type entry struct {
	At          time.Time `json:"at"`
	Layer       string    `json:"layer"`
	ArrivalRate *float64  `json:"arrival_rate"`
	Reading     *struct {
		Arrived uint64 `json:"arrived"`
	} `json:"reading"`
	Time  json.RawMessage `json:"time"`
	Rate  *float64        `json:"rate"`
	Error string          `json:"error"` // it could not decide
}

func readJSON(r *bufio.Reader) (samples []sampleOf, err error) {
	in := json.NewDecoder(r)
	var before *entry
	for n := 1; ; n++ {
		var raw json.RawMessage
		if err := in.Decode(&raw); errors.Is(err, io.EOF) {
			return samples, nil
		} else if err != nil {
			return nil, fmt.Errorf("simulate: JSON: %w", err)
		}
		list, err := unfold(raw)
		if err != nil {
			return nil, fmt.Errorf("simulate: JSON: %w", err)
		}
		for i, item := range list {
			where := fmt.Sprintf("object %d", n+i)
			var e entry
			if err := json.Unmarshal(item, &e); err != nil {
				return nil, fmt.Errorf("simulate: %s: %w", where, err)
			}
			if e.Error != "" {
				continue // It tells of no load.
			}
			if samples, err = e.add(samples, before, where); err != nil {
				return nil, err
			}
			before = &e
		}
	}
}

// unfold returns the entries of an array, or of what `hal9 scaler explain --json` prints, which has the newest first.
func unfold(raw json.RawMessage) (list []json.RawMessage, err error) {
	if raw[0] == '[' {
		err = json.Unmarshal(raw, &list)
		return list, err
	}
	var report struct {
		Decisions []json.RawMessage `json:"decisions"`
	}
	if raw[0] == '{' && json.Unmarshal(raw, &report) == nil && report.Decisions != nil {
		slices.Reverse(report.Decisions)
		return report.Decisions, nil
	}
	return []json.RawMessage{raw}, nil
}

// add appends what an entry tells. The counters of two decisions are more exact than the rate, which is that of a drain time.
func (e *entry) add(samples []sampleOf, before *entry, where string) ([]sampleOf, error) {
	switch {
	case e.Rate != nil && len(e.Time) > 0:
		at, err := secondsOf(strings.Trim(string(e.Time), `"`))
		if err != nil {
			return nil, fmt.Errorf("simulate: %s: time %s: want seconds or RFC 3339", where, e.Time)
		}
		return add(samples, sampleOf{at, *e.Rate}, where)
	case e.At.IsZero() || e.ArrivalRate == nil:
		return nil, fmt.Errorf(`simulate: %s: neither a decision of hal9 scaler nor "time" and "rate"`, where)
	case before != nil && before.Layer != e.Layer:
		return nil, fmt.Errorf("simulate: %s: it is about %s, the one before about %s: want one layer", where, e.Layer, before.Layer)
	}
	rate := *e.ArrivalRate
	if before != nil && before.Reading != nil && e.Reading != nil && e.Reading.Arrived >= before.Reading.Arrived && len(samples) > 0 {
		if span := e.At.Sub(before.At).Seconds(); span > 0 {
			// It came between the two: it is the rate of the one before.
			samples[len(samples)-1].rate = float64(e.Reading.Arrived-before.Reading.Arrived) / span
		}
	}
	return add(samples, sampleOf{float64(e.At.UnixMicro()) / 1e6, rate}, where)
}
