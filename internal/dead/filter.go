package dead

import (
	"strings"
	"time"

	"github.com/2lab-ai/hal9/pipeline"
)

// Filter says which letters are meant; what is empty lets all through.
type Filter struct {
	Layer    string // L1 to L5, or sink
	Source   string
	Reason   string    // part of the reason, in either case
	Since    time.Time // written since then
	Redriven bool      // those that have been put back, too
}

// IsEmpty reports whether the filter lets all letters through that have not been put back.
func (f *Filter) IsEmpty() bool {
	return f.Layer == "" && f.Source == "" && f.Reason == "" && f.Since.IsZero()
}

// accepts looks at everything but whether the letter has been put back.
func (f *Filter) accepts(l *Letter) bool {
	return (f.Layer == "" || l.Layer == f.Layer) &&
		(f.Source == "" || l.Source == f.Source) &&
		(f.Since.IsZero() || !l.Stored.Before(f.Since)) &&
		(f.Reason == "" || strings.Contains(strings.ToLower(l.Reason), strings.ToLower(f.Reason)))
}

// subject is what the server is asked for; "" for everything.
func (f *Filter) subject() string {
	if f.Layer == "" {
		return ""
	}
	return pipeline.SubjectDead + "." + f.Layer
}
