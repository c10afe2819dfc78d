package pipeline

import (
	"context"
	"time"

	"github.com/2lab-ai/hal9/layers"
)

// Source hands out the messages of one stream through one durable consumer.
type Source interface {
	// Next returns the next burst in stream order: what has arrived, at least one message and
	// at most a bounded number. It returns an empty burst when nothing came for idle, and
	// an error when the source is broken (the caller opens a new one). No more messages than
	// window, or a few, are fetched from now on before they are asked for; 0 stands for the source's own bound.
	Next(ctx context.Context, idle time.Duration, window int) ([]Delivery, error)
	// Settle acknowledges a burst. An acknowledgement may get lost; nothing may rest on it.
	Settle(burst []Delivery) error
	// Return gives back at once what was fetched and not settled, where others could have it; nothing is fetched any more.
	Return()
	// Close stops fetching. What was fetched and not settled is delivered again.
	Close()
}

// Broker opens sources and stores records.
type Broker interface {
	// Open returns the source of a stage, from the message after checkpointed offset on for keyed stages
	// (offset is ignored where the stage shares its consumer), and what waits there.
	Open(ctx context.Context, key StageKey, offset uint64) (Source, Backlog, error)
	// Publish stores all records and returns nil only when all of them are stored. After an error some
	// may be stored and some not; of those on one subject of a layer it is the first ones. A *FullError
	// says that it may be tried again with what is left.
	Publish(ctx context.Context, records []Record) error
	// Stored returns the ids of the results that stages of a layer stored behind the ledger, or since then in
	// streams that the ledger does not name, and for L1 the identities, idBytes of each, of the signals that
	// it handed up. upTo says how far the streams were filled: a further call behind it finds the rest.
	Stored(ctx context.Context, layer layers.Name, behind Ledger, since time.Time) (ids map[string]struct{}, upTo Ledger, err error)
	// Past visits the heads, without data, of the messages of a stage's own stream from one sequence
	// to another that are still there, in order.
	Past(ctx context.Context, key StageKey, from, to uint64, visit func(*Delivery)) error
	// Items visits what is stored of a stage's state, each item as it was stored last, in the order of storing, until visit
	// returns false.
	Items(ctx context.Context, key StageKey, visit func(layers.Item) bool) error
}

// Checkpoints keeps the checkpoints of stages by stage name.
type Checkpoints interface {
	// Load returns the checkpoint of a stage without its state, the zero Checkpoint where there is none.
	Load(ctx context.Context, stage string) (Checkpoint, error)
	// State returns the state that belongs to the checkpoint that Load returned last.
	State(ctx context.Context, stage string) ([]byte, error)
	// Save replaces the checkpoint whose Revision cp carries and returns the new one's revision.
	// It fails where another owner has saved in between.
	Save(ctx context.Context, stage string, cp Checkpoint) (revision uint64, err error)
	Troubles
}

// Troubles remember what lives of stages came to grief over.
type Troubles interface {
	// Lives counts a life of a stage that begins at a sequence, and returns how many in a row began there.
	Lives(ctx context.Context, stage string, first uint64) (int, error)
	// Tries returns how often a signal was tried and SetTries notes it; 0 forgets it.
	Tries(ctx context.Context, stage string, at Position) (int, error)
	SetTries(ctx context.Context, stage string, at Position, tries int) error
	// Place returns where a careful stage was last, zero where that is not known, and SetPlace notes it.
	Place(ctx context.Context, stage string) (Position, error)
	SetPlace(ctx context.Context, stage string, at Position) error
}

// Ownership is one time of owning a stage.
type Ownership interface {
	// Valid reports whether nobody else can own the stage yet. It only reads a clock, so it may be
	// asked before every publish, and it tells the truth even in a process that was stopped for a while
	// and in which nothing else has noticed. Once false it stays false.
	Valid() bool
	// Epoch is the fencing token: of two owners of a stage the later has the higher one.
	Epoch() uint64
}

// Leases makes one process at a time the owner of a stage, and spreads the stages of a layer evenly over the
// processes that ask for them.
type Leases interface {
	// Hold runs work each time this process owns the stage, and gives the ownership back when work
	// returns. The context of the work is cancelled when the stage is to move to another process, and with ErrLeaseLost
	// where the ownership is lost already; that work ends then is no failure, and Hold waits for the next time.
	// It returns when ctx ends, or when work ends by itself.
	Hold(ctx context.Context, stage string, work func(ctx context.Context, own Ownership) error) error
	// Attend runs work once this process takes part, without owning a stage: others can tell that it lives, and what it
	// does is valid until they can't. Then the context of the work ends with ErrLeaseLost. It returns with work, or when ctx ends.
	Attend(ctx context.Context, work func(ctx context.Context, own Ownership) error) error
	// Standing says why this process does not own the stage now, and whether that is as it should be.
	Standing(stage string) (text string, ok bool)
}

// Observer is told what happens. Its methods are on the path of every signal.
type Observer interface {
	Decided(layer layers.Name, disposition layers.Disposition, wait, process time.Duration)
	Final(layer layers.Name, endToEnd time.Duration)
	Again(layer layers.Name)
	Dead(layer layers.Name)
	Restarted(layer layers.Name)
	Checkpointed(layer layers.Name, bytes int)
}

// StageKey says which stage is meant.
type StageKey struct {
	Layer      layers.Name
	Partition  int
	Partitions int
	// Objectives marks a stage that feeds L5's objectives: from the verdicts, or from the situations.
	Objectives bool
	Situations bool
}

// ObjectiveStages lists the stages that feed L5's objectives.
func ObjectiveStages() []StageKey {
	return []StageKey{{Layer: layers.NameL5, Objectives: true}, {Layer: layers.NameL5, Objectives: true, Situations: true}}
}

// KeyedStages lists the stages above L1, but for the objectives.
func KeyedStages(partitions int) []StageKey {
	var keys []StageKey
	for _, layer := range layers.Names()[1:] {
		keys = append(keys, StagesOf(layer, partitions)...)
	}
	return keys
}

// ScoutKey is the stage that reads ahead of L1 for critical signals.
func ScoutKey(partitions int) StageKey {
	return StageKey{Layer: layers.NameL1, Partition: PartitionCritical, Partitions: partitions}
}

// StagesOf lists the stages of a layer that share its work, so neither scout nor objectives.
func StagesOf(layer layers.Name, partitions int) []StageKey {
	if layer == layers.NameL1 {
		return []StageKey{{Layer: layer, Partitions: partitions}}
	}
	var keys []StageKey
	for p := range partitions {
		keys = append(keys, StageKey{Layer: layer, Partition: p, Partitions: partitions})
	}
	if layer == layers.NameL2 {
		keys = append(keys, StageKey{Layer: layer, Partition: PartitionCritical, Partitions: partitions})
	}
	return keys
}

// Name returns the stage's name in checkpoints, leases and logs, such as "L3.07".
func (k StageKey) Name() string {
	switch {
	case k.Situations:
		return "L5.situations"
	case k.Objectives:
		return "L5.objectives"
	}
	return StageName(k.Layer, k.Partition)
}

// Scouts reports whether the stage reads ahead of L1 for critical signals.
func (k StageKey) Scouts() bool { return k.Layer == layers.NameL1 && k.Partition == PartitionCritical }

// Stream returns the stream that the stage consumes.
func (k StageKey) Stream() string {
	switch {
	case k.Situations:
		return StreamSituations
	case k.Objectives:
		return StreamVerdicts
	}
	return StreamOf(k.Layer, k.Partition, k.Partitions)
}

// Durable returns the durable consumer of the stage.
func (k StageKey) Durable() string {
	switch {
	case k.Situations:
		return DurableSituations
	case k.Objectives:
		return DurableObjectives
	}
	return DurableOf(k.Layer, k.Partition, k.Partitions)
}

// Shared reports whether several processes consume the stage at once: only L1.
func (k StageKey) Shared() bool { return k.Layer == layers.NameL1 && !k.Objectives && !k.Scouts() }
