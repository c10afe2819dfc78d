package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/2lab-ai/hal9/internal/dead"
	"github.com/2lab-ai/hal9/internal/ingest"
	"github.com/2lab-ai/hal9/layers"
)

// LetterForm says how a letter is shown.
type LetterForm uint8

// The forms of a letter.
const (
	LetterPage LetterForm = iota + 1 // for people
	LetterJSON                       // for programs
	LetterRaw                        // the original payload and nothing else
)

// ShowLetter shows one dead letter.
type ShowLetter struct {
	Form   LetterForm
	Shelf  *dead.Shelf
	Screen Screen
	Place  *time.Location
	Now    func() time.Time
	Hint   string // as of Letters
}

// Run shows the letter that name means.
func (s *ShowLetter) Run(ctx context.Context, name string) error {
	seqs, err := s.Shelf.Find(ctx, name)
	if err != nil {
		return err
	}
	letter, err := s.Shelf.Letter(ctx, seqs[0])
	if err != nil {
		return err
	}
	switch s.Form {
	case LetterJSON:
		return writeJSON(s.Screen.Out, newLetterWhole(&letter))
	case LetterRaw:
		_, err = s.Screen.Out.Write(letter.Data)
	default:
		_, err = io.WriteString(s.Screen.Out, s.page(&letter))
	}
	if err != nil {
		return fmt.Errorf("cli: write: %w", err)
	}
	return nil
}

func (s *ShowLetter) page(l *dead.Letter) string {
	p := &page{screen: s.Screen}
	p.row("letter", fmt.Sprintf("%d, written %s, %s ago", l.Seq, l.Stored.In(s.Place).Format(momentLayout), age(s.Now().Sub(l.Stored))))
	p.row("signal", fmt.Sprintf("%s of source %s", orDash(l.SignalID), orDash(l.Source)))
	if l.RedriveOf != "" {
		p.row("", "redriven before, as which it was "+l.RedriveOf)
	}
	p.painted("reason", s.Screen.disposition(layers.DispositionDead, clip(dead.ShortReason(l.Reason), 2000)))
	p.row("died at", fmt.Sprintf("%s, %s", layerTitle(l.Layer), plural(l.Attempts, "attempt")))
	p.row("received", l.Received.In(s.Place).Format(momentLayout))
	p.row("original", originalOf(l))
	s.headers(p, l)
	p.row("payload", payloadTitle(l))
	p.text.WriteString("\n" + indent(payloadText(shownPayload(l))) + "\n")
	s.next(p, l)
	return p.text.String()
}

// originalOf says where the message that died was stored.
func originalOf(l *dead.Letter) string {
	if l.Stream == "" {
		return "not known"
	}
	return fmt.Sprintf("message %d of %s", l.StreamSeq, l.Stream)
}

// layerTitle names a layer in full.
func layerTitle(layer string) string {
	name, err := layers.ParseName(layer)
	if err != nil {
		return orDash(layer)
	}
	return name.String() + " " + name.Title()
}

// headersShown bounds the headers on a page.
const headersShown = 20

func (s *ShowLetter) headers(p *page, l *dead.Letter) {
	own := l.Original()
	for i, name := range slices.Sorted(maps.Keys(own)) {
		title := ""
		if i == 0 {
			title = "headers"
		}
		if i == headersShown {
			p.row(title, fmt.Sprintf("… %d more: --json gives all", len(own)-i))
			break
		}
		p.row(title, clip(name+": "+strings.Join(own[name], ", "), 200))
	}
}

func payloadTitle(l *dead.Letter) string {
	title := thousands(l.Size) + " bytes"
	if l.Truncated > 0 {
		title += ", the beginning of " + thousands(l.Truncated)
	}
	if _, ok := l.Envelope(); ok {
		title += " of HAL9's own between layers (--raw gives them); the signal in them:"
	}
	return title
}

// shownPayload is the original, or the signal that an envelope holds.
func shownPayload(l *dead.Letter) []byte {
	if e, ok := l.Envelope(); ok {
		if data, err := ingest.Encode(&e.Signal); err == nil {
			return data
		}
	}
	return l.Data
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}

// next says what can be done about the letter.
func (s *ShowLetter) next(p *page, l *dead.Letter) {
	id := dead.NewID(l.Source, l.SignalID, l.Seq)
	switch {
	case l.Redriven:
		p.row("redriven", "as "+id+"; what became of it:")
		p.row("", "hal9 explain "+quoted(id)+s.Hint)
	case l.Truncated > 0:
		p.row("next", "it can't be redriven, since only its beginning is kept: send the original anew")
	case l.Layer == "action":
		p.row("next", "HAL9 does an action once at most: do it by hand where it is still wanted")
	case l.SignalID == "" || l.Layer == "sink":
		p.row("next", "it can't be redriven: it is no signal of a layer")
	default:
		p.row("next", "put it back into L1, as "+id+":")
		p.row("", fmt.Sprintf("hal9 dead redrive %d --to L1%s", l.Seq, s.Hint))
		if _, ok := l.Envelope(); ok {
			p.row("", "or --to "+l.Layer+", back to where it died")
		}
	}
}

// quoted returns a text as a word for a shell.
func quoted(text string) string {
	if text != "" && text[0] != '~' && strings.IndexFunc(text, func(r rune) bool {
		return !strings.ContainsRune("-_./:@%+=,~", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// letterWhole is a letter for programs.
type letterWhole struct {
	letterLine
	RedrivenAs string            `json:"redriven_as,omitempty"` // its second id
	Headers    map[string]string `json:"headers"`               // as stored
	Payload    string            `json:"payload,omitempty"`     // where it is text
	Binary     []byte            `json:"payload_base64,omitempty"`
	Signal     json.RawMessage   `json:"signal,omitempty"` // that a letter of L2 to L5 is about
}

func newLetterWhole(l *dead.Letter) letterWhole {
	whole := letterWhole{letterLine: newLetterLine(l), Headers: map[string]string{}}
	for name, values := range l.Header {
		whole.Headers[name] = strings.Join(values, ", ")
	}
	if l.Redriven {
		whole.RedrivenAs = dead.NewID(l.Source, l.SignalID, l.Seq)
	}
	if utf8.Valid(l.Data) {
		whole.Payload = string(l.Data)
	} else {
		whole.Binary = l.Data
	}
	if e, ok := l.Envelope(); ok {
		whole.Signal, _ = ingest.Encode(&e.Signal) // What can't be written is in the payload.
	}
	return whole
}
