// Package keda holds the test of scaling on a real Kubernetes API server with a real KEDA: `make e2e-keda`. Pods may be simulated there
// (kwok): for each ready replica of the layer that is flooded the test runs a process of its own, held to a small share of a CPU as
// Kubernetes' limits do.
package keda
