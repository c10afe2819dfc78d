# HAL9's commands for developers. `make` alone lists them.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 10s
BENCH    ?= .
COUNT    ?= 1
PROFILES ?= dist/profile
VULNDB   ?= https://vuln.go.dev

# Packages that start goroutines or share state between them.
RACE := ./pipeline/... ./layers/strategic/... ./internal/bus/... ./internal/dead/... ./internal/app/... ./internal/natsserver/... \
	./internal/load/... ./internal/outbound/... ./internal/telemetry/... ./internal/web/... \
	./internal/outcome/... ./internal/tuning/... ./internal/oncall/... ./layers/reflexive/... \
	./internal/scaling/... ./keda ./internal/doctor ./internal/kube ./internal/shadow ./internal/consensus

# The tools' versions stand in internal/tools/go.mod; each is built once per version.
tool_version = $(shell awk '$$1 == "$(1)" {print $$2}' internal/tools/go.mod)
LINT      := bin/golangci-lint-$(call tool_version,github.com/golangci/golangci-lint/v2)
VULN      := bin/govulncheck-$(call tool_version,golang.org/x/vuln)
BENCHSTAT := bin/benchstat-$(call tool_version,golang.org/x/perf)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/hal9, static, with its version
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/hal9 ./cmd/hal9

.PHONY: build-keda
build-keda: ## build bin/hal9-keda: the first time takes minutes, for KEDA's types bring Kubernetes' with them
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/hal9-keda ./cmd/hal9-keda

.PHONY: render
render: ## write the ScaledObjects under keda, and those with KEDA's stock triggers under keda/stock
	$(GO) run ./cmd/hal9-keda render --out keda
	$(GO) run ./cmd/hal9-keda render --trigger stock --out keda/stock
	$(GO) run ./cmd/hal9-keda render --web-connections 500 --out keda/web

.PHONY: fmt
fmt: $(LINT) ## format the source (gofumpt, goimports) and apply go fix
	$(GO) fix ./...
	$(LINT) fmt ./...

.PHONY: vet
vet: ## run go vet
	$(GO) vet ./...

.PHONY: lint
lint: $(LINT) ## run golangci-lint
	$(LINT) run ./...

.PHONY: test
test: ## run all tests
	$(GO) test ./...

.PHONY: race
race: ## run the tests of the concurrent packages under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race $(RACE)

.PHONY: archtest
archtest: ## hold the source to its import rules, comments and sizes
	$(GO) test -count=1 ./internal/archtest

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (10s)
	@set -e; grep -rn --include='*_test.go' --exclude-dir=testdata --exclude-dir=peers '^func Fuzz' cmd internal keda layers pipeline | \
	sed -E 's|^(.*)/[^/]*:[0-9]+:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | sort -u | \
	while read -r dir target; do \
		echo "== $$dir $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$dir" </dev/null; \
	done

.PHONY: bench
bench: ## run the Go benchmarks that match BENCH (.), COUNT (1) times
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./...

.PHONY: profile
profile: build ## run HAL9's throughput with profiles in PROFILES (dist/profile) and print the top of each
	@mkdir -p '$(PROFILES)'
	bin/hal9 bench --rows throughput --no-yardsticks --rounds $(COUNT) \
		--cpuprofile '$(PROFILES)/cpu.pprof' --memprofile '$(PROFILES)/memory.pprof'
	$(GO) tool pprof -top -nodecount 40 bin/hal9 '$(PROFILES)/cpu.pprof'
	$(GO) tool pprof -top -nodecount 40 -sample_index=alloc_objects bin/hal9 '$(PROFILES)/memory.pprof'

.PHONY: benchstat
benchstat: $(BENCHSTAT) ## compare two saved outputs of make bench: OLD=file NEW=file
	@test -n '$(OLD)' -a -n '$(NEW)' || { echo 'make benchstat: say OLD=file NEW=file, each written by make bench COUNT=10 > file' >&2; exit 2; }
	$(BENCHSTAT) $(OLD) $(NEW)

.PHONY: peers
peers: ## run HAL9 beside comparable projects: the five-stage job, then the benchmarks (a module of its own)
	cd internal/peers && $(GO) test -run '^TestPeers$$' -count 1 -timeout 30m -v .
	cd internal/peers && $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./...

.PHONY: vuln
vuln: $(VULN) ## look for known vulnerabilities in the code that is reached (needs VULNDB)
	@rc=0; out=$$($(VULN) -db '$(VULNDB)' ./... 2>&1) || rc=$$?; echo "$$out"; \
	case "$$out" in *'fetching vulnerabilities:'*) \
		echo 'make vuln: the vulnerability database $(VULNDB) cannot be reached from here, so nothing was checked:' \
			'run this where it can be, or name a mirror with VULNDB=URL.' >&2 ;; \
	esac; exit $$rc

.PHONY: smoke
smoke: ## feed a real hal9 up over HTTP and NATS, kill it, restart it, count the verdicts
	.ci/smoke

.PHONY: chaos
chaos: ## kill, freeze, restart and rescale a running HAL9 at random and count (CHAOS_SEED, CHAOS_SIGNALS, CHAOS_FAULTS …)
	CHAOS=long $(GO) test -count=1 -v -timeout 120m -run '^Test(Chaos|SameAnswersAsACalmRun)$$' ./internal/e2e/chaos

.PHONY: chaos-cluster
chaos-cluster: ## the same on three NATS servers, of which one is killed or cut off the network (as root, with iproute2)
	CHAOS=long $(GO) test -count=1 -v -timeout 30m -run '^TestCluster$$' ./internal/e2e/chaos

.PHONY: flood
flood: ## flood a running HAL9 for a minute: memory, latency of critical signals before and during it, recovery
	FLOOD=long $(GO) test -count=1 -v -timeout 15m -run '^TestFlood$$' ./internal/e2e

.PHONY: e2e-keda
e2e-keda: ## a real KEDA scales real processes: needs KUBECONFIG of a cluster with KEDA 2.21 (whose pods may be simulated), kubectl, root for CPU limits
	KEDA_E2E=1 $(GO) test -count=1 -v -timeout 60m ./internal/e2e/keda

.PHONY: e2e-compose
e2e-compose: ## docker compose on your Docker: build, up, send, scale, kill, count, down (COMPOSE_OBSERVABILITY="prometheus jaeger grafana traces")
	COMPOSE_E2E=1 $(GO) test -count=1 -v -timeout 40m -run '^TestCompose$$' ./internal/e2e/compose

.PHONY: e2e-emergency
e2e-emergency: ## emergencies and hal9 doctor on the cluster of KUBECONFIG, in namespaces of their own (needs kubectl; KEDA for what is about it)
	EMERGENCY=1 $(GO) test -count=1 -v -timeout 60m ./internal/e2e/emergency

.PHONY: manifests
manifests: ## render what deploy applies into dist/manifests; with KUBECONFIG ask that cluster what it thinks (needs kubectl)
	@mkdir -p dist/manifests
	@for overlay in deploy/overlays/*/; do \
		name=$$(basename "$$overlay"); \
		kubectl kustomize "$$overlay" > "dist/manifests/$$name.yaml" || exit 1; \
		echo "dist/manifests/$$name.yaml: $$(grep -c '^kind:' "dist/manifests/$$name.yaml") objects"; \
		[ -n "$$KUBECONFIG" ] || continue; \
		kubectl get namespace hal9 >/dev/null 2>&1 || { echo '$@: the cluster has no namespace hal9, which asking it needs: kubectl create namespace hal9' >&2; exit 1; }; \
		kubectl apply -k "$$overlay" --dry-run=server >/dev/null || exit 1; \
		echo "  valid in $$(kubectl config current-context)"; \
	done

.PHONY: score
score: ## publish the labelled data over NATS to HAL9 and score its verdicts (HAL9_DATA, SCORE_JSON=FILE)
	SCORE=1 $(GO) test -count=1 -v -timeout 20m -run '^TestScore$$' ./internal/e2e/score

.PHONY: check
check: vet lint test race archtest ## everything that must pass before a commit

.PHONY: clean
clean: ## remove what the other targets built
	rm -rf bin dist

# Tools are built in their own module, so that HAL9's go.mod carries none of their dependencies.
$(LINT): PACKAGE := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(VULN): PACKAGE := golang.org/x/vuln/cmd/govulncheck
$(BENCHSTAT): PACKAGE := golang.org/x/perf/cmd/benchstat
$(LINT) $(VULN) $(BENCHSTAT):
	@mkdir -p bin
	@echo "building $@ (once; a minute or two on a small machine)"
	@cd internal/tools && CGO_ENABLED=0 $(GO) build -o '$(CURDIR)/$@' $(PACKAGE)
