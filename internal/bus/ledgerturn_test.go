package bus

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/2lab-ai/hal9/pipeline"
)

// behindVerdict is a question about everything behind a verdict.
func behindVerdict(seq uint64) *ledgerQuestion {
	return newLedgerQuestion(pipeline.Ledger{pipeline.StreamVerdicts: seq}, time.Time{})
}

func freeTurns() *ledgerTurns {
	t := &ledgerTurns{turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

// TestLedgerIsReadOnceForAllThatWait has twelve stages ask while a thirteenth reads: one reading must answer all of them, and a later one the
// stage that needs far more.
func TestLedgerIsReadOnceForAllThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := freeTurns()
		var sizes []int
		read := func(_ context.Context, batch []*ledgerQuestion) error {
			sizes = append(sizes, len(batch)) // One reads at a time.
			time.Sleep(time.Second)
			return nil
		}
		for i := range 13 {
			go func() {
				if err := turns.ask(t.Context(), behindVerdict(uint64(50_000+i)), read); err != nil {
					t.Error(err)
				}
			}()
			if i == 0 {
				synctest.Wait() // It reads before the others come.
			}
		}
		began := time.Now()
		if err := turns.ask(t.Context(), behindVerdict(50_000-ledgerAlike-1), read); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if took := time.Since(began); took != 3*time.Second || len(sizes) != 3 || sizes[0] != 1 || sizes[1] != 12 || sizes[2] != 1 {
			t.Errorf("readings answered %v stages and took %s, want 1, 12 and then the one that needs much", sizes, took)
		}
		if len(turns.waiting) > 0 {
			t.Errorf("%d questions are left", len(turns.waiting))
		}
	})
}

// TestLedgerReaderThatEndsLeavesTheOthersTheirAnswer ends a stage while it reads for another one, and lets a reading fail.
func TestLedgerReaderThatEndsLeavesTheOthersTheirAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := freeTurns()
		wrong := errors.New("no such stream")
		answers := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		first, second := behindVerdict(7), behindVerdict(7)
		turns.enter(second) // It asks, and the first one is faster.
		go func() {
			answers <- turns.ask(ctx, first, func(ctx context.Context, _ []*ledgerQuestion) error { <-ctx.Done(); return ctx.Err() })
		}()
		synctest.Wait()
		cancel()
		if err := <-answers; !errors.Is(err, context.Canceled) {
			t.Errorf("the first reading ended with %v", err)
		}
		if second.isDone() || len(turns.waiting) != 1 || turns.waiting[0] != second {
			t.Errorf("the second stage was told something: %t, %d questions wait, want its alone", second.isDone(), len(turns.waiting))
		}
		turns.leave(second)
		err := turns.ask(t.Context(), second, func(context.Context, []*ledgerQuestion) error { return wrong })
		if !errors.Is(err, wrong) {
			t.Errorf("the second stage was told %v", err)
		}
	})
}
