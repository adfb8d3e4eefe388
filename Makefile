# Everything a contributor does, by name. `make demo` and `make test` install what is missing first.
CONFIGURATION ?= debug
PREFIX ?= $(HOME)/.local
SWIFT_BUILD = swift build --configuration $(CONFIGURATION)

.PHONY: build test storm run lint format bench fuzz sanitize install release deb check-release demo setup clean
.PHONY: simulate notebook trial tools agents screens fuzz-screen fuzz-dashboard

setup:
	@scripts/setup.sh

build: setup
	$(SWIFT_BUILD)

# Every test, from a clean clone. ARGS="--filter CoreTests" runs some.
test: setup
	@scripts/test.sh $(ARGS)

# Core held to what is always true, over SEEDS histories; SEED=17 or SCRIPT=FILE tells one of them in full.
simulate:
	swift build --configuration release --product orch-simulate
	.build/release/orch-simulate $(if $(SCRIPT),--script $(SCRIPT),$(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),5000)))

# The daemon is killed KILLS times, at moments that SEED=n repeats, with agents at work; then everything is audited.
storm: setup
	swift build --build-tests
	ORCH_STORM_KILLS=$(or $(KILLS),1000) ORCH_STORM_SEED=$(SEED) swift test --skip-build --filter StormTests

# Twenty tickets on each of two real projects, which pip downloads, and real pushes over ssh. KILLS=5 kills the daemon, too;
# PROJECTS="humanize ssh" leaves the others out.
trial: build
	KILLS=$(KILLS) SEED=$(SEED) scripts/trial.sh .build/$(CONFIGURATION) $(PROJECTS)

# A daemon in the foreground, with the user's own configuration.
run: build
	.build/$(CONFIGURATION)/orch daemon $(ARGS)

# Draws the pictures of the dashboard anew that tests compare with: look at what git says has changed.
screens: setup
	ORCH_RECORD_SCREENS=1 swift test --filter TUITests

# The tools of agents, driven by the official Python SDK of the Model Context Protocol, in either of its eras.
tools:
	@scripts/setup.sh notebook
	swift build --product orch
	swift build --product orch-runner
	scripts/tools.sh .build/debug

# Claude Code and Codex themselves, which pip downloads, at work for orch with a fake model behind them. FAULTS=all has every
# fault of the model's server; SOAK=10 instead has eight agents at work for so many minutes; OTHERS=1 has aider, gptme and an
# ACP adapter instead.
agents:
	@scripts/setup.sh notebook
	swift build --product orch
	swift build --product orch-runner
	FAULTS=$(FAULTS) ONLY=$(ONLY) scripts/agents.sh .build/debug $(if $(SOAK),soak $(SOAK)) $(if $(OTHERS),others)

# One shared format, and nobody argues about it.
lint:
	swift format lint --strict --recursive Sources Tests Benchmarks/Sources Package.swift Benchmarks/Package.swift

format:
	swift format --in-place --recursive Sources Tests Benchmarks/Sources Package.swift Benchmarks/Package.swift

bench: setup
	scripts/bench.sh

# Looks for bytes that break something: make fuzz TARGET=tickets SECONDS=600
SECONDS ?= 300
fuzz: setup
	scripts/fuzz.sh $(TARGET) $(SECONDS)

# Pictures of hostile text, drawn and looked at in a terminal emulator of somebody else's: make fuzz-screen SECONDS=120 SEED=7
fuzz-screen:
	@scripts/setup.sh notebook
	swift build --product TUIProbe
	scripts/screens.sh Tests/Screens/fuzz.py .build/debug/TUIProbe --seed $(or $(SEED),1) --seconds $(SECONDS)

# The whole dashboard with random keys, pointers and sizes, and a daemon that makes everything up, looked at in the same
# emulator: make fuzz-dashboard SECONDS=120 SEED=7
fuzz-dashboard:
	@scripts/setup.sh notebook
	swift build --product TUIProbe
	scripts/screens.sh Tests/Screens/dashboard.py .build/debug/TUIProbe --seed $(or $(SEED),1) --seconds $(SECONDS)

# The tests once more, under the address and the thread sanitizer. ARGS="--filter IPCTests" runs some.
sanitize: setup
	scripts/sanitize.sh $(ARGS)

# The programs, which need the Swift they were built with, and man pages, completions and the unit, below PREFIX.
install: setup
	swift build --configuration release --product orch
	swift build --configuration release --product orch-runner
	scripts/stage.sh .build/release $(PREFIX)
	@echo "installed orch and orch-runner in $(PREFIX)/bin"

# The notebook of metrics, executed on its sample; KEEP=FILE keeps what it showed.
notebook:
	@scripts/setup.sh notebook
	scripts/notebook.sh $(KEEP)

# .build/dist/orch-VERSION-linux-ARCH.tar.gz, which needs no Swift where it runs.
release: setup
	@scripts/release.sh

# The same as a Debian package, beside it.
deb: release
	@scripts/deb.sh

# The tarball and the package, in a bare Debian at ROOT, which is made where there is none. As root.
check-release: deb
	scripts/check-release.sh $(ROOT)

demo: build
	@examples/demo/run.sh .build/$(CONFIGURATION)

clean:
	swift package clean
