//go:build !race

package natspubsub_test

const raceEnabled = false
