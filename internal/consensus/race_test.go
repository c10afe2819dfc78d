//go:build race

package consensus_test

// share is the part of the plans that suffices where the race detector makes five servers more than ten times as much work.
const share = 10
