package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	outcomes "github.com/2lab-ai/hal9/internal/outcome"
	"github.com/2lab-ai/hal9/layers/tactical"
)

type outcomeFlags struct {
	*client
	note string
}

func newOutcome(g *global) *cobra.Command {
	f := &outcomeFlags{}
	cmd := &cobra.Command{
		Use:   "outcome SITUATION helped|useless",
		Short: "Say whether what was done about a situation helped",
		Long: `Say whether what was done about a situation helped. L4 attaches it to what it remembers of the
situation: when a similar one comes, it says so, prefers what helped, and does not follow what was
useless. The last word on a situation counts.`,
		Example: `  hal9 outcome sit-4f1c helped
  hal9 outcome sit-4f1c useless --note "the disk filled up again within the hour"`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0], args[1]) },
	}
	f.client = newClient(g, cmd)
	f.jsonFlag(cmd, "print what was said as JSON")
	cmd.Flags().StringVar(&f.note, "note", "", "what else there is to say; 200 bytes of it are remembered (default nothing)")
	return cmd
}

func (f *outcomeFlags) run(cmd *cobra.Command, situation, text string) error {
	word, err := tactical.ParseWord(text)
	if err != nil {
		return fmt.Errorf("%q is no word on an outcome: want %s or %s", text, tactical.WordHelped, tactical.WordUseless)
	}
	b, err := f.connect(cmd.Context(), cmd)
	if err != nil {
		return err
	}
	defer b.Close()
	s, err := outcomes.New(b, slog.New(slog.DiscardHandler), time.Now).Say(cmd.Context(), situation, word, f.note)
	if err != nil {
		return err
	}
	if f.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
			SituationID string        `json:"situation_id"`
			Word        tactical.Word `json:"word"`
			Note        string        `json:"note,omitempty"`
		}{s.ID, word, f.note})
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, remembered for situations like %q\n", s.ID, word, s.Title)
	return err
}
