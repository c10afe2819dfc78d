// Package pipeline moves signals from layer to layer. It owns the names of subjects,
// streams and consumers, the encoding of envelopes between layers, and the stage: the
// loop that takes a burst of messages, lets a layer decide each, publishes what
// follows and only then acknowledges.
//
// The promises: a signal is acknowledged to its stream only after everything that it
// caused is stored; everything published carries an id made from its cause, so that
// doing it again stores nothing twice; a stage that restarts restores its last
// checkpoint, replays from there and leaves out what the ledger says is stored
// already. The broker stands behind the small interfaces Source, Sink, Ledger and
// Checkpoints; internal/bus implements them on NATS JetStream.
package pipeline
