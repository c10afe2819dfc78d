// Package e2e runs the built program as its users do, as processes that can be killed, and
// counts with plain NATS and HTTP clients. It promises nothing to production code, which
// does not import it.
package e2e
