//go:build !race

package consensus_test

// share is the part of the plans that is proposed.
const share = 1
