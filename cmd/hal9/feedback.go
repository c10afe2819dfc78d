package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/2lab-ai/hal9/internal/bus"
	"github.com/2lab-ai/hal9/internal/tuning"
	"github.com/2lab-ai/hal9/layers"
	"github.com/2lab-ai/hal9/pipeline"
)

type feedbackFlags struct {
	*client
	source string
	author string
	note   string
}

func newFeedback(g *global) *cobra.Command {
	f := &feedbackFlags{}
	cmd := &cobra.Command{
		Use:   "feedback ID useful|noise|missed|is=LABEL|is-not=LABEL",
		Short: "Say whether HAL9 was right: what its tunings are made from",
		Long: `Say whether HAL9 was right. Of a situation, or of a signal that belongs to one: useful or
noise, whether somebody had to know. Of a signal: missed, where nobody was told and somebody
had to be; is=LABEL and is-not=LABEL, what neurons learn from.

Each author's word on one thing counts once: the last. From three opinions that agree L5
proposes a tuning, which is shown and changes nothing until somebody applies it: see hal9 tuning.`,
		Example: `  hal9 feedback sit-4f1c9a noise --note "the nightly backup"
  hal9 feedback web-17 missed
  hal9 feedback web-18 is=memory --source web`,
		Args: cobra.ExactArgs(2),
	}
	f.client = newClient(g, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0], args[1]) }
	f.jsonFlag(cmd, "print JSON")
	cmd.Flags().StringVar(&f.source, "source", "", "source of the signal, where several sources use the id (default: that of the latest verdict)")
	cmd.Flags().StringVar(&f.author, "author", osUser(), "who says so")
	cmd.Flags().StringVar(&f.note, "note", "", "why, for people")
	return cmd
}

func (f *feedbackFlags) run(cmd *cobra.Command, id, word string) error {
	opinion, label, _ := strings.Cut(word, "=")
	said := tuning.Feedback{Opinion: tuning.Opinion(opinion), Label: label, Author: f.author, Note: f.note}
	b, err := f.connect(cmd.Context(), cmd)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := f.look(cmd.Context(), b, id, &said); err != nil {
		return err
	}
	shelf, err := tuning.Open(cmd.Context(), b, time.Now)
	if err != nil {
		return err
	}
	if err := shelf.Say(cmd.Context(), &said); err != nil {
		return err
	}
	if f.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(said)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s on %s: %s, says %s\n", said.ID, said.Key, word, said.Author)
	return nil
}

// look finds the situation or signal that an opinion is about.
func (f *feedbackFlags) look(ctx context.Context, b *bus.Bus, id string, said *tuning.Feedback) error {
	ofSituation := said.Opinion == tuning.OpinionUseful || said.Opinion == tuning.OpinionNoise
	if ofSituation {
		if found, err := lookSituation(ctx, b, id, said); err != nil || found {
			return err
		}
	}
	var v layers.Verdict
	_, ok, err := b.FindLast(ctx, pipeline.StreamVerdicts, func(m *bus.Message) bool {
		var one layers.Verdict
		if json.Unmarshal(m.Data, &one) != nil || one.SignalID != id || f.source != "" && one.Source != f.source {
			return false
		}
		v = one
		return true
	})
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("no situation and no verdict on a signal %q: never seen, or older than what the streams keep", id)
	case !ofSituation:
		said.ID, said.Source, said.Key, said.Features = v.SignalID, v.Source, v.Key, tuning.Features(&v)
		return nil
	case v.SituationID == "":
		return fmt.Errorf("signal %q belongs to no situation: %s is said of situations; say missed where somebody had to know of it", id, said.Opinion)
	}
	if found, err := lookSituation(ctx, b, v.SituationID, said); err != nil || found {
		return err
	}
	return errors.New("situation " + v.SituationID + " is older than what the streams keep")
}

func lookSituation(ctx context.Context, b *bus.Bus, id string, said *tuning.Feedback) (bool, error) {
	_, ok, err := b.FindLast(ctx, pipeline.StreamSituations, func(m *bus.Message) bool {
		var s layers.Situation
		if json.Unmarshal(m.Data, &s) != nil || s.ID != id {
			return false
		}
		said.ID, said.Key = s.ID, s.Key
		return true
	})
	return ok, err
}
