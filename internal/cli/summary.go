package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Summary is what a feed came to.
type Summary struct {
	Source     string  `json:"source"`
	Format     Format  `json:"format"`
	Sent       int     `json:"sent"`       // signals
	Stored     int     `json:"stored"`     // of them new
	Duplicates int     `json:"duplicates"` // of them stored before
	Rejected   int     `json:"rejected"`   // lines that gave no signal
	Seconds    float64 `json:"seconds"`
	Rate       float64 `json:"rate"` // signals per second
	Complete   bool    `json:"complete"`
	// ResumeLine is the line to go on with; 0 where the whole file was read.
	ResumeLine int `json:"resume_line,omitempty"`
}

// JSON writes the summary for programs.
func (s *Summary) JSON(w io.Writer) error { return writeJSON(w, s) }

// Print writes the summary for people.
func (s *Summary) Print(w io.Writer) error {
	text := fmt.Sprintf("%s signals sent as %s: %s stored, %s duplicates; %s lines rejected; %s, %s signals/s\n",
		thousands(s.Sent), clean(s.Source), thousands(s.Stored), thousands(s.Duplicates), thousands(s.Rejected),
		time.Duration(s.Seconds*float64(time.Second)).Round(time.Millisecond), thousands(int(s.Rate+0.5)))
	if s.ResumeLine > 0 {
		text += fmt.Sprintf("go on with --from-line %d\n", s.ResumeLine)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("cli: write: %w", err)
	}
	return nil
}

// thousands writes a count with commas.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}
