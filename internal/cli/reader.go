package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/2lab-ai/hal9/internal/ingest"
)

// ReaderConfig says how a file is read.
type ReaderConfig struct {
	Name        string // of the file, "-" for standard input
	Format      Format // "" to find out
	Source      string // of signals that name none; default the file's name without its extension
	Subject     string // key of all signals, whatever they say; default what they say
	IDPrefix    string // stands before every id; default none
	FromLine    int    // lines (or values) before this one are skipped; default 1
	SourceGiven bool   // Source was asked for: alerts get it, too
}

// Line is what a line of the file, or one JSON value, gave.
type Line struct {
	Number int
	Items  []ingest.Item // none where Err says why
	Err    error
	Note   string // what the user should know about the file as a whole; mostly empty
	End    int64  // bytes of the file up to the line's end
}

// Reader reads signals from a file, one line at a time. Its ids are made from source and
// line number where the signals have none, so that the same file gives the same signals.
type Reader struct {
	cfg      ReaderConfig
	door     Door
	splitter splitter
	decode   func(entry) ([]ingest.Item, error)
	columns  *columns
	timed    bool   // columns' times were looked at
	note     string // for the next Line
}

// headBytes is how much of a file's begin is looked at to find out what it is, where its first line
// does not tell.
const headBytes = 64 << 10

// NewReader looks at how the file begins.
func NewReader(in io.Reader, cfg ReaderConfig, door Door) (*Reader, error) {
	r := &Reader{cfg: cfg, door: door}
	if err := r.checkNames(); err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(in, maxEntry+4096)
	if start, err := buffered.Peek(3); err == nil && bytes.Equal(start, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(len(start)) // They are in the buffer.
	}
	head, err := firstLine(buffered)
	if err != nil {
		return nil, err
	}
	if r.cfg.Format == "" {
		r.cfg.Format = r.find(head, buffered)
	}
	return r, r.open(head, buffered)
}

// Format returns the format that is read.
func (r *Reader) Format() Format { return r.cfg.Format }

// maxMadeID bounds what ids of lines are made from, bytes: with a number it fits into an id.
const maxMadeID = 200

// checkNames has the decoder judge the names that all signals share.
func (r *Reader) checkNames() error {
	if n := len(r.cfg.Source) + len(r.cfg.IDPrefix); n > maxMadeID {
		return fmt.Errorf("cli: source and id prefix have %d bytes: want at most %d together", n, maxMadeID)
	}
	probe, err := json.Marshal(map[string]string{
		"id": r.cfg.IDPrefix + "1", "source": r.cfg.Source, "key": r.cfg.Subject, "message": "probe",
	})
	if err != nil {
		return fmt.Errorf("cli: %w", err)
	}
	if _, err := r.door.Decoder.Message(ingest.Message{Subject: ingest.SubjectPrefix + "probe", Data: probe, Stored: r.door.Now()}); err != nil {
		return fmt.Errorf("cli: source, subject or id prefix: %w", problem(err))
	}
	return nil
}

// firstLine peeks at the first line that is not blank, as far as it fits into the buffer.
func firstLine(in *bufio.Reader) ([]byte, error) {
	for want := 1; ; want = in.Buffered() + 1 {
		_, err := in.Peek(min(want, in.Size()))
		head, _ := in.Peek(in.Buffered())
		text := bytes.TrimLeft(head, " \t\r\n")
		if line, _, ok := bytes.Cut(text, []byte{'\n'}); ok {
			return line, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("cli: read: %w", err)
		}
		if err != nil || in.Buffered() >= in.Size() {
			return text, nil //nolint:nilerr // The end of the file ends its first line.
		}
	}
}

// find tells the format from name and content.
func (r *Reader) find(head []byte, in *bufio.Reader) Format {
	if format := formatOf(r.cfg.Name); format != "" {
		return format
	}
	if beginsJSON(head) && !json.Valid(head) {
		head, _ = in.Peek(headBytes) // A document over many lines.
	}
	format := look(head)
	if format == FormatText && strings.EqualFold(filepath.Ext(r.cfg.Name), ".json") {
		return FormatJSONL
	}
	return format
}

func (r *Reader) open(head []byte, in *bufio.Reader) error {
	split := &lines{in: in}
	r.splitter = split
	switch r.cfg.Format {
	case FormatText:
		r.decode = r.text
	case FormatCSV:
		r.splitter, r.decode = &records{lines: split}, r.row
		return r.header()
	case FormatJSONL:
		r.decode = r.json
	case FormatCloudEvents:
		r.decode = r.event
	case FormatAlertmanager:
		r.decode = r.alerts
	default:
		_, err := ParseFormat(string(r.cfg.Format))
		return err
	}
	if r.cfg.Format != FormatText && isDocument(head, in) {
		r.splitter = &values{in: in}
	}
	return nil
}

// isDocument reports whether JSON does not keep to lines: its first line is no whole value,
// or an array that is all there is.
func isDocument(head []byte, in *bufio.Reader) bool {
	head = bytes.TrimSpace(head)
	if len(head) == 0 {
		return false
	}
	if !json.Valid(head) {
		return head[0] == '[' || head[0] == '{' && bytes.IndexByte([]byte("{[,:"), head[len(head)-1]) >= 0
	}
	return head[0] == '[' && isAll(head, in)
}

// isAll reports whether nothing but space stands in the file beside text. It waits for more
// only as long as it sees nothing but space.
func isAll(text []byte, in *bufio.Reader) bool {
	for {
		_, err := in.Peek(min(in.Buffered()+1, in.Size()))
		all, _ := in.Peek(in.Buffered())
		if len(bytes.TrimSpace(all)) > len(text) || in.Buffered() == in.Size() {
			return false
		}
		if err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// Next returns the next line that is not blank, io.EOF behind the last.
func (r *Reader) Next() (Line, error) {
	for {
		e, err := r.splitter.next()
		if err != nil {
			return Line{}, err
		}
		if e.number < r.cfg.FromLine || (e.bad == nil && len(bytes.TrimSpace(e.text)) == 0) {
			continue
		}
		line := Line{Number: e.number, End: e.end, Err: e.bad}
		if line.Err == nil {
			line.Items, line.Err = r.decode(e)
		}
		if line.Err == nil {
			line.Err = r.name(line.Items)
		}
		if line.Err != nil {
			line.Items, line.Err = nil, problem(line.Err)
		}
		line.Note, r.note = r.note, ""
		return line, nil
	}
}

// maxID is the most bytes of an id.
const maxID = 256

// name puts the key and the id prefix that were asked for into the signals.
func (r *Reader) name(items []ingest.Item) error {
	for i := range items {
		s := &items[i].Signal
		if r.cfg.Subject != "" {
			s.Key = r.cfg.Subject
		}
		s.ID = r.cfg.IDPrefix + s.ID
		if len(s.ID) > maxID {
			return fmt.Errorf("the id has %d bytes with its prefix; want at most %d", len(s.ID), maxID)
		}
	}
	return nil
}
