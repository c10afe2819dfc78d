// Package peers measures HAL9 beside others, in one run (`make peers`): TestPeers takes the same
// five-stage job through each of them, BenchmarkPubSub compares the Watermill adapters. It is a
// module of its own so that nobody who uses HAL9 pulls its competitors in. README.md says what is
// compared, how each peer is set up and what it promises.
package peers
