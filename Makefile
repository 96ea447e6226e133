# make demo [DATA=folder] [CUSTOMERS=n] [PORT=n] [ARGS="--once --json"]   a whole clew from nothing
# make test                                                              every check there is
# make bench                                                             the README's figures, measured here
# make trials                                                            walls, kills, bombs and parsers in full: hours
# make contract                                                          the service held to its document by schemathesis and Spectral
# make audit                                                             licences, bans and sources of all dependencies
# make console                                                           rebuilds the page (needs Node 20+)
.PHONY: demo test bench trials contract audit console tools lint docs openapi build
SHELL := /bin/bash
DEMO_ARGS = $(if $(DATA),--data '$(DATA)') $(if $(CUSTOMERS),--customers $(CUSTOMERS)) $(if $(PORT),--port $(PORT)) $(ARGS)

demo: build
	@./target/debug/clew demo $(DEMO_ARGS)

tools:
	@deploy/prerequisites

# The same build serves the demo and the tests.
build: tools
	@cargo build --workspace --locked

test: tools lint docs
	cargo test --workspace --locked

lint: tools
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

docs: tools
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

openapi: build
	@./target/debug/clew openapi > openapi/clew.json.new && mv openapi/clew.json.new openapi/clew.json

bench: tools
	cargo build --workspace --examples --bins --locked
	./deploy/bench

trials: tools
	./deploy/trials

# Needs Python 3.11+ and Node 20+; both tools are pinned and fetched once.
contract: build
	./deploy/contract

audit:
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --all-features check licenses bans sources
	@# Advisories come from a copy of the database on this machine; without one, nothing is fetched for it.
	@if ls -d "$${CARGO_HOME:-$$HOME/.cargo}"/advisory-db* >/dev/null 2>&1; then \
	  cargo deny --all-features --offline check advisories; else echo "no copy of the advisories here: skipped"; fi

console:
	cd crates/clew-console/web && npm ci --no-audit --no-fund && npm run build
