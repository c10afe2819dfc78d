package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxEntry bounds one line, record or value of a file, bytes.
const maxEntry = 1 << 20

// entry is one line of a file, one record or one JSON value.
type entry struct {
	number int    // of its first line, or its place among the values, from 1
	text   []byte // its own memory; nil where problem says why
	end    int64  // bytes of the file up to its end
	bad    error  // why it can't be used
}

// splitter cuts a file into entries; next returns io.EOF behind the last.
type splitter interface {
	next() (entry, error)
}

// lines cuts at line ends.
type lines struct {
	in     *bufio.Reader
	number int
	read   int64
}

func (l *lines) next() (entry, error) {
	e := entry{number: l.number + 1}
	tooLong := false
	for {
		part, err := l.in.ReadSlice('\n')
		l.read += int64(len(part))
		if tooLong = tooLong || len(e.text)+len(part) > maxEntry+len("\r\n"); !tooLong {
			e.text = append(e.text, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return entry{}, fmt.Errorf("cli: read: %w", err)
		}
		if err != nil && len(e.text) == 0 && !tooLong {
			return entry{}, io.EOF
		}
		break
	}
	l.number++
	e.end = l.read
	e.text = trimEnd(e.text)
	if tooLong || len(e.text) > maxEntry {
		e.text, e.bad = nil, errTooLong("line")
	}
	return e, nil
}

func trimEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}

func errTooLong(what string) error {
	return fmt.Errorf("the %s is too long; want at most %d bytes", what, maxEntry)
}
