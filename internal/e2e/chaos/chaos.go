// Package chaos breaks a running HAL9 at random moments and counts what comes out. It starts a
// NATS server and the layers as processes of their own, publishes signals with plain NATS clients,
// kills, freezes, restarts and rescales what runs, and then holds every promise against what lies
// in the streams: one verdict for each acknowledged signal, situations and plans once, order per
// key, the same answers as in a run that nobody disturbed.
//
// The checker knows the subjects and the JSON that HAL9 publishes. It looks into the streams between
// the layers for one thing only: in which order the senders' own marks lie there.
//
// `make chaos` runs it long, from a random seed that it prints; `go test` runs a short one from a
// fixed seed. CHAOS_SEED, CHAOS_SIGNALS, CHAOS_FAULTS, CHAOS_PARTITIONS, CHAOS_REPLICAS, CHAOS_FREEZE and CHAOS_KEEP
// say otherwise. The package holds tests only and nothing imports it.
package chaos
