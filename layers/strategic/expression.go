package strategic

import (
	"errors"

	"github.com/2lab-ai/hal9/layers"
)

// Expressions compile what the configuration says about verdicts, signals and situations. Number and Text make a
// number or a text of a signal, and say whether there is one; they are needed where metrics are configured.
type Expressions struct {
	Verdict   layers.Compiler[layers.Verdict]
	Signal    layers.Compiler[layers.Signal]
	Situation layers.Compiler[layers.Situation]
	Number    func(string) (func(*layers.Signal) (float64, bool), error)
	Text      func(string) (func(*layers.Signal) (string, bool), error)
}

func (x Expressions) validate() error {
	if x.Verdict == nil || x.Signal == nil || x.Situation == nil || x.Number == nil || x.Text == nil {
		return errors.New("strategic: an expression compiler is missing: want all five")
	}
	return nil
}
