# `make bench` runs the main job and `make test` the tests; both set up what they need in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SCALE_FACTOR ?= 1
BASE ?= main
HEAD ?= HEAD
GATE ?=
BY ?=
BENCHMARKS := results/pytest-benchmark.json
SAMPLE ?= 60
SEED ?= 0
MUTANTS ?=
TIME ?= 60
COMMITS ?= 10000
HUNT ?=
SEEDS ?= 10
ENGINES ?= polars,datafusion,duckdb
KILLS ?= 200
PORT ?=

.PHONY: bench demo gate test test-all s3 kafka mutants hunt seeds storm kill kill-runs kill-kafka kafka-away cluster connect browser strace valgrind postgresql lint format docs clean help

help:
	@echo "make bench    generate TPC-H (SCALE_FACTOR=1) if absent, run three engines, verify, report"
	@echo "make demo     a small platform from end to end, each part checked; it is left in data/demo"
	@echo "make gate     compare BASE=main with HEAD; fails if anything is more work, slower, or wrong"
	@echo "make test     run the tests; latencies are kept in $(BENCHMARKS)"
	@echo "make test-all the same, with every combination of what is tested, as each night"
	@echo "make mutants  put SAMPLE=60 small faults into the core, drawn with SEED=0: do the tests find them?"
	@echo "make s3       an S3 server to play with (PORT=… or a free one), until Ctrl-C"
	@echo "make kafka    a broker of Kafka to play with (PORT=… or a free one), until Ctrl-C"
	@echo "make cluster  a cluster of Spark to play with (PORT=… or a free one), until Ctrl-C"
	@echo "make connect  a Spark Connect server to play with (PORT=… or a free one), until Ctrl-C"
	@echo "make hunt     make random Delta tables for TIME=60 seconds: do all engines read the same rows?"
	@echo "make seeds    TPC-H's queries with the parameters of SEEDS=10 seeds (SCALE_FACTOR=1): do ENGINES=… agree?"
	@echo "make browser  install a browser for the tests of the report, where apt-get can"
	@echo "make postgresql  install PostgreSQL for the tests of tables of a database, where apt-get can"
	@echo "make storm    processes append COMMITS=10000 times to one table: is every row there, once?"
	@echo "make kill     kill the writer's processes KILLS=200 times: is every row there, once? SEED=… repeats"
	@echo "make kill-runs kill life cycles and streams KILLS=30 times each: do they go on to the same end?"
	@echo "make kill-kafka the same with a topic of Kafka, its broker killed too: KILLS=100, 20 s each"
	@echo "make lint     ruff and mypy"
	@echo "make format   format the code"
	@echo "make docs     build the documentation into site/"
	@echo "make clean    remove the virtual environment"

bench: $(READY)
	$(BIN)/neuralake bench --scale-factor $(SCALE_FACTOR)

demo: $(READY)
	@rm -rf data/demo
	@$(BIN)/python examples/neuralake/demo.py --to data/demo

# Counts first, which is soon decided, and times until the rest of the time is up. Ends early: at the
# first regression, or when everything has a verdict. GATE=… adds options, BY=time does not count
gate: $(READY) valgrind
	$(BIN)/neuralake compare $(BASE) $(HEAD) --by $(or $(BY),$(if $(shell command -v valgrind),both,time)) --until-regression $(GATE)

# Compiled once: the tests start hundreds of processes, some of packages that they have just installed;
# where the environment forbids bytecode, each of them would compile all that it imports.
# Two processes more than there are cores, four at most, as tests wait for processes, brokers and timers, too.
# The files in their own order, which puts the longest first (tests/conftest.py)
test: WHICH := -m "not more"
test: MEASURED := polars,datafusion
test-all: WHICH :=
test-all: MEASURED := polars,datafusion,spark
test test-all: $(READY) browser strace valgrind postgresql
	@mkdir -p $(dir $(BENCHMARKS))
	@$(BIN)/python -m compileall -q neuralake neuralake_bench.py benchmarks tests
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --numprocesses=$(shell n=$$(nproc); echo $$((n < 2 ? n + 2 : 4))) --dist=loadfile \
		--no-loadscope-reorder --ignore=tests/performance --benchmark-disable $(WHICH)
	$(BIN)/python -m pytest tests/performance --performance-engines $(MEASURED) --benchmark-json=$(BENCHMARKS)

# Of a copy of the code, one fault at a time. MUTANTS=… adds options
mutants: $(READY)
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv sync --quiet --frozen --all-extras --group mutants --python $(BIN)/python
	$(BIN)/python -m benchmarks.mutants --sample $(SAMPLE) --seed $(SEED) $(MUTANTS)

# On loopback, with a key and data that are thrown away
s3: $(READY)
	@exec $(BIN)/python -m benchmarks.s3 $(if $(PORT),--port $(PORT))

# On loopback; what it holds is thrown away
kafka: $(READY)
	@exec $(BIN)/python -m neuralake.broker $(if $(PORT),--port $(PORT))

# On loopback, from the installed pyspark: a master and two workers
cluster: $(READY)
	@exec $(BIN)/python -m neuralake.cluster $(if $(PORT),--port $(PORT))

# On loopback, without workers: the server does the work itself
connect: $(READY)
	@exec $(BIN)/python -m neuralake.cluster --workers 0 --connect $(or $(PORT),0)

# HUNT=--spark reads and writes with Spark, too
hunt: $(READY)
	$(BIN)/python -m benchmarks.agreement.hunt --seconds $(TIME) $(HUNT)

# ENGINES=polars,spark asks others
seeds: $(READY)
	$(BIN)/python -m benchmarks.agreement.seeds --scale-factor $(SCALE_FACTOR) --seeds $(SEEDS) --engines $(ENGINES)

# As make test does 5 times. Its moments are drawn anew each time, unless SEED=… is given
kill: $(READY)
	KILLS=$(KILLS) SEED=$(SEED) $(BIN)/python -m pytest tests/writer/test_kill.py --benchmark-disable

kill-runs: KILLS = 30
kill-runs: $(READY)
	$(BIN)/python -m benchmarks.kills lifecycle --kills $(KILLS) --seed $(SEED)
	$(BIN)/python -m benchmarks.kills streams --kills $(KILLS) --seed $(SEED)

kill-kafka: KILLS = 100
kill-kafka: $(READY)
	KILLS=$(KILLS) SEED=$(SEED) $(BIN)/python -m pytest tests/kafka/test_kill.py --benchmark-disable

# Seconds for which a broker is away while a topic is read
kafka-away: AWAY = 60
kafka-away: $(READY)
	AWAY=$(AWAY) $(BIN)/python -m pytest tests/kafka/test_trouble.py -k away --benchmark-disable

# The report is tested in the system's browser, a commit's system calls are traced, and instructions
# are counted; what cannot be installed is told by the tests that are skipped without it
define apt_install
	if [ "$$(id -u)" = 0 ]; then sudo=; else sudo="sudo -n"; fi; \
	command -v apt-get >/dev/null 2>&1 && $$sudo true 2>/dev/null \
		&& $$sudo apt-get update -qq >/dev/null 2>&1 \
		&& $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends $(1) >/dev/null 2>&1
endef

browser:
	@for name in chromium chromium-browser google-chrome chrome; do \
		if command -v $$name >/dev/null 2>&1; then exit 0; fi; \
	done; \
	if $(call apt_install,chromium fonts-dejavu-core); then exit 0; fi; \
	echo "no browser for the tests of the report: install Chromium or Chrome to run them" >&2

strace:
	@if command -v strace >/dev/null 2>&1; then exit 0; fi; \
	if $(call apt_install,strace); then exit 0; fi; \
	echo "no strace for the test of a commit's system calls: install it to run that" >&2

valgrind:
	@if command -v valgrind >/dev/null 2>&1; then exit 0; fi; \
	if $(call apt_install,valgrind); then exit 0; fi; \
	echo "no Valgrind for the tests that count instructions: apt-get install valgrind" >&2

# Its programs alone: the tests start a server of their own, and the system gets none
postgresql:
	@if command -v postgres >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then as=; else as="sudo -n"; fi; \
	if [ ! -e /etc/postgresql-common/createcluster.conf ]; then \
		$$as mkdir -p /etc/postgresql-common 2>/dev/null \
			&& echo "create_main_cluster = false" | $$as tee /etc/postgresql-common/createcluster.conf >/dev/null 2>&1; \
	fi; \
	if $(call apt_install,postgresql); then exit 0; fi; \
	echo "no PostgreSQL for the tests of its tables: install it to run them" >&2

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Processes that append to one table, beside compaction and vacuum: is every row there, once?
storm: $(READY)
	$(BIN)/python -m benchmarks.writers.storm --commits $(COMMITS) --spark

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)
	$(BIN)/zensical build --clean --strict

# uv comes from the package index into the environment that it then fills from the lock file
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(READY): pyproject.toml uv.lock | $(BIN)/uv
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv sync --quiet --frozen --all-extras --compile-bytecode --python $(BIN)/python
	@touch $@

clean:
	rm -rf $(VENV)
