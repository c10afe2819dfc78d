package cli

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
)

// records cuts CSV into records: a line, or several where a quoted cell holds line ends.
type records struct {
	lines splitter
}

func (r *records) next() (entry, error) {
	e, err := r.lines.next()
	if err != nil || e.bad != nil {
		return e, err
	}
	quotes := quoteState{}
	for quotes.follow(e.text); quotes.open; {
		line, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			e.text, e.bad = nil, errors.New("a quoted cell does not end before the file does")
			return e, nil // The next call tells the end of the file.
		}
		if err != nil {
			return entry{}, err
		}
		e.end = line.end
		if line.bad != nil || len(e.text)+len(line.text) >= maxEntry {
			e.text, e.bad = nil, fmt.Errorf("a quoted cell does not end up to line %d; want at most %d bytes a row", line.number, maxEntry)
			return e, nil //nolint:nilerr // It is about the entry, and stands there.
		}
		e.text = append(append(e.text, '\n'), line.text...)
		quotes.follow(line.text)
	}
	return e, nil
}

// quoteState finds out whether a line end belongs to a quoted cell.
type quoteState struct {
	open bool
}

func (q *quoteState) follow(line []byte) {
	cellStart := !q.open
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case q.open && c == '"' && i+1 < len(line) && line[i+1] == '"':
			i++
		case q.open && c == '"':
			q.open = i+1 < len(line) && line[i+1] != ',' // A lone quote within a cell is text.
		case !q.open && c == '"' && cellStart:
			q.open = true
		}
		cellStart = !q.open && line[i] == ','
	}
}

// cells cuts a record into its cells.
func cells(record []byte) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(record))
	r.LazyQuotes = true
	r.FieldsPerRecord = -1
	row, err := r.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, fmt.Errorf("no CSV at byte %d: %w", parse.Column, parse.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("no CSV: %w", err)
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		return nil, errors.New("no CSV: a quote is in the wrong place")
	}
	return row, nil
}
