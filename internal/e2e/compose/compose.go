// Package compose runs docker-compose.yml on a real engine through plain `docker compose`, as its users do: it builds the image,
// brings the stack up, sends signals from the host, scales a layer, kills containers, and counts with plain NATS and HTTP
// clients. Another project name and other ports keep it away from a stack of yours.
//
// `make e2e-compose` runs it; `go test` skips it, since it needs Docker. It removes the image hal9:local, so that the first `up` builds
// it; COMPOSE_BUILD=no takes it as it is. COMPOSE_OBSERVABILITY names services of the profile observability to bring up and look at as
// well. The package holds tests only and nothing imports it.
package compose
