# batchlab. `make figures`, `make advise` and `make new` are the main commands; `make help` lists the rest.
CONFIG ?= config/quick.yaml
# Unset, a profile decides; without one it is all.
CORES ?= $(if $(PROFILE),,all)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROGRAM := $(BIN)/snakemake $(if $(PROFILE),--workflow-profile $(PROFILE))
# A campaign's path may hold spaces.
PROGRAM += $(if $(CORES),--cores $(CORES)) $(if $(GPUS)$(JOBS_PER_GPU),--resources gpu=$(shell expr $(or $(GPUS),1) \* $(or $(JOBS_PER_GPU),1)))
SNAKEMAKE = $(PROGRAM) --configfile "$(CONFIG)"
# Containers often set this. With it, hundreds of processes would compile and take apart all modules again: twice the time.
unexport PYTHONDONTWRITEBYTECODE
# The training core of all jobs and its device, whatever the profile says.
ifdef BACKEND
export BATCHLAB_BACKEND := $(BACKEND)
endif
ifdef DEVICE
export BATCHLAB_DEVICE := $(DEVICE)
endif
# Jobs that share a GPU; as many times GPUS run at once.
ifdef JOBS_PER_GPU
export BATCHLAB_JOBS_PER_GPU := $(JOBS_PER_GPU)
endif
# The project's own logger, a package in scripts/; LOGGER=… chooses another one that is installed. So is the executor for
# Slurm. Jobs on a cluster get the path with the rest of the environment.
LOGGER ?= batchlab
advise foresight peers new by-rules config-read figures data plan redraw unlock verify crate report-archive compare bench prune bench-gpu: \
	export PYTHONPATH := \
	$(CURDIR)/scripts$(if $(findstring slurm,$(PROFILE)),:$(CURDIR)/scripts/cluster)$(if $(PYTHONPATH),:$(PYTHONPATH))
READY := config-read $(VENV)/run.stamp $(if $(filter jax,$(BATCHLAB_BACKEND)),$(VENV)/jax.stamp) \
	$(if $(findstring slurm,$(PROFILE)),$(VENV)/slurm.stamp)

.PHONY: help advise foresight peers new by-rules config-there config-read figures data redraw plan unlock verify crate report-archive prune compare bench bench-gpu \
	bench-peers bench-docs test test-slow test-slurm test-s3 \
	check format docs environment parquet lock clean-env

help:
	@echo "make figures                            the quick campaign on the embedded digits (no network)"
	@echo "make figures CONFIG=config/paper.yaml   the same studies on full MNIST"
	@echo "make advise CONFIG=config/mine.yaml     which batch size for your model and data; alone: an example in two minutes"
	@echo "make foresight                          do published rules on gradients foresee it? on six workloads, about one hour"
	@echo "make peers                              does its advice beat Lightning's, KerasTuner's and the usual sizes? half an hour"
	@echo "make figures BACKEND=jax                on the second training core; on a GPU: PROFILE=profiles/gpu, see docs/gpu.md"
	@echo "make figures PROFILE=profiles/slurm     on a cluster, see docs/cluster.md"
	@echo "make new DATA=my.csv LABEL=species      write a campaign for your own data, config/my.yaml; KEYS='missing: drop' says more"
	@echo "make by-rules CONFIG=…                  write a campaign that trains by the adaptive rules that one has measured"
	@echo "make parquet                            install PyArrow, with which data in Parquet are read"
	@echo "make plan CONFIG=…                      what would run, why, how long it will take"
	@echo "make data CONFIG=…                      prepare its data sets alone; no network is needed afterwards"
	@echo "make verify CONFIG=… SAMPLE=n SEED=m    compare results with their records and compute a random sample again"
	@echo "make crate CONFIG=…                     pack results, workflow and history as one RO-Crate for an archive"
	@echo "make compare CAMPAIGNS=\"a b\"           finished campaigns side by side: the same claims in columns, with differences"
	@echo "make report-archive CONFIG=…            Snakemake's own report of a finished campaign, as a zip file"
	@echo "make redraw CONFIG=…                    judge claims, draw figures and report again from existing tables"
	@echo "make prune                              what no campaign needs any more, with sizes; DELETE=yes deletes it"
	@echo "make unlock                             remove the lock that a killed Snakemake left behind"
	@echo "make test, make test-slow, make check   run the tests; the slow ones; style, types and lint"
	@echo "make test-slurm                         a campaign on a Slurm of two nodes that this starts on this machine"
	@echo "make test-s3                            a campaign whose results go to a server of object storage on this machine"
	@echo "make bench                              times beside Keras' fit, Keras on JAX and PyTorch; nothing else should run"
	@echo "make bench-gpu                          the JAX core on a GPU, in at most eight minutes"
	@echo "make clean-env                          remove the environment .venv; the next call sets it up again"
	@echo "make docs                               write the generated pages again (see CONTRIBUTING.md)"

# NAME=… names the campaign; KEYS='missing: drop, test: 0.1' are further keys of the data set (docs/data.md).
new: $(VENV)/run.stamp
	@$(BIN)/python -m batchlab.starting "$(DATA)" $(if $(LABEL),"--label=$(LABEL)") \
		$(if $(NAME),"--name=$(NAME)") $(if $(KEYS),"--keys=$(KEYS)")

# From measured adaptive rules to a campaign that trains by them: make by-rules CONFIG=config/tour.yaml
by-rules: config-there $(VENV)/run.stamp
	@$(BIN)/python -m batchlab.starting.by_rules "$(CONFIG)"

config-there:
	@test -f "$(CONFIG)" || { echo "batchlab: error: CONFIG: there is no file $(CONFIG); see config/" >&2; exit 1; }

# Of broken YAML Snakemake says neither file nor line.
config-read: config-there $(VENV)/run.stamp
	@$(BIN)/python -m batchlab.configuration "$(CONFIG)"

# Gives results that came with a checkout or from another machine the file times of their records, so that parsing is quick.
ADOPT = @$(BIN)/python -m batchlab.records.adopt

# Reasons are left out, so that progress can be followed; `make plan` shows them.
figures: $(READY)
	$(ADOPT)
	@$(SNAKEMAKE) --logger $(LOGGER) --quiet host reason

# Data sets alone. Where other code has prepared the same data again, a run after this one leaves what was trained on them.
data: $(READY)
	@$(PROGRAM) data --logger $(LOGGER) --quiet host reason --configfile "$(CONFIG)"

# The machine is measured first, while nothing else runs; what is trained then, round after round, depends on its speed.
advise: CONFIG = config/advise.yaml
advise: $(READY)
	$(ADOPT)
	@$(BIN)/python -m batchlab.rounds "$(CONFIG)" $(SNAKEMAKE) --logger $(LOGGER) --quiet host reason

# Does the cheap stage of `advise` foresee what training shows? On each workload of config/workloads, one hour on two cores: the
# sum of their budgets, and a minute each for the machine. Interrupted, the same call goes on. Tables in results/foresight,
# which pages of `advise` quote.
WORKLOADS ?= $(wildcard config/workloads/*.yaml)
foresight: $(READY)
	@for workload in $(WORKLOADS); do $(MAKE) --no-print-directory advise CONFIG=$$workload || exit 1; done
	@$(BIN)/python -m batchlab.report.foresight $$(sed -n 's/^campaign: *//p' $(WORKLOADS))

# What Lightning and KerasTuner choose in the time that `advise` took, and the usual sizes, trained by the same core to the same
# target; the table in results/peers, which docs/peers.md quotes.
PEERS ?= config/advise.yaml config/workloads/friedman.yaml
peers: $(READY)
	@$(MAKE) --no-print-directory .venv-peers/run.stamp >/dev/null || true
	@for campaign in $(PEERS); do $(MAKE) --no-print-directory advise CONFIG=$$campaign || exit 1; done
	@$(BIN)/python -m peers $(PEERS) -- $(PROGRAM) --logger $(LOGGER) --quiet host reason

.venv-peers/run.stamp: envs/lock-peers.txt
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# It ends with what the run will cost.
plan: $(READY)
	@$(SNAKEMAKE) --dry-run --logger $(LOGGER) --quiet host

# For a checkout that has the tables of studies but no trained segments, such as results that were computed elsewhere.
redraw: $(READY)
	$(ADOPT)
	@$(SNAKEMAKE) --allowed-rules note_outdated derive_table judge_claims merge_tables figure_data bundle_vega draw_figure write_report

# A killed Snakemake leaves its lock behind. Make sure that none is running in this folder before removing it.
unlock: $(READY)
	@$(SNAKEMAKE) --unlock --quiet

# SAMPLE segments and SAMPLE probes are computed again, chosen at random by SEED.
VERIFY_SETTINGS := $(if $(SAMPLE),verify_sample=$(SAMPLE)) $(if $(SEED),verify_seed=$(SEED))
verify: $(READY)
	@$(PROGRAM) verify --quiet host reason progress rules --configfile "$(CONFIG)" \
		$(if $(strip $(VERIFY_SETTINGS)),--config $(VERIFY_SETTINGS))

crate: $(READY)
	@$(PROGRAM) crate --quiet host reason progress rules --configfile "$(CONFIG)"

report-archive: $(READY)
	@$(SNAKEMAKE) --report "results/$$(basename "$(CONFIG)" .yaml).report.zip"

# What no campaign of config/ needs: segments, probes, checkpoints, logs. MORE='a.yaml b.yaml' names campaigns elsewhere.
prune: $(VENV)/run.stamp
	@$(BIN)/python -m batchlab.pruning $(if $(filter yes,$(DELETE)),--delete) $(MORE)

# Finished campaigns side by side, in results/compare: make compare CAMPAIGNS="quick paper"
compare: $(VENV)/run.stamp
	@$(BIN)/python -m batchlab.report.campaigns $(CAMPAIGNS)

# Nothing else should run on the machine meanwhile.
bench: $(VENV)/run.stamp
	@$(BIN)/python -m benchmarks $(BENCH)

# The JAX core on a GPU, in at most eight minutes; BENCH='--on-cpu --share 0.02' tries the program without one. It needs
# JAX, Keras and NumPy, so any Python that has them can run it: PYTHON_GPU=python3.
PYTHON_GPU ?= $(BIN)/python
bench-gpu: $(if $(filter file,$(origin PYTHON_GPU)),$(VENV)/jax.stamp)
	@$(PYTHON_GPU) -m benchmarks.gpu $(BENCH)

# PyTorch and JAX, with which `make bench` compares itself if they are installed; nothing else uses them.
bench-peers: .venv-bench/run.stamp

.venv-bench/run.stamp: envs/bench.txt
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r envs/bench.txt
	@touch $@

# The measured table of docs/benchmarks.md, from results/bench.
bench-docs:
	@cd scripts && $(PYTHON) -m benchmarks.summary

test: $(VENV)/dev.stamp
	@$(BIN)/pytest -q -n auto --dist loadfile --no-loadscope-reorder

# All tests, those marked `slow` as well (every row of the rerun table, other machines, disks and cores), with 50 kills at
# random moments, ten of them during a download, and 20,000 broken campaigns.
test-slow: $(VENV)/dev.stamp
	@BATCHLAB_KILLS=50 BATCHLAB_FUZZ=20000 $(BIN)/pytest -q -n auto --dist loadfile --no-loadscope-reorder -m ""

# A Slurm of two nodes on this machine, on loopback; it is stopped at the end. Installs nothing but the plugin. CUT=yes takes
# what needs less than two minutes.
test-slurm: $(VENV)-slurm/run.stamp
	@for program in munged slurmctld slurmd; do PATH="$$PATH:/usr/sbin" command -v $$program >/dev/null \
		|| { echo "batchlab: error: $$program is missing; Debian has it: apt-get install slurm-wlm munge" >&2; exit 1; }; done
	@PATH="$$PATH:/usr/sbin" BATCHLAB_SLURM="$(if $(CUT),where it starts,always)" \
		$(VENV)-slurm/bin/python -m pytest -q -rs tests/slurm $(if $(CUT),-k "the_cut or executor")

# The same environment with the plugin, apart from it: with the plugin, each start of Snakemake in other tests takes a tenth longer.
PACKAGES := -c "import sysconfig; print(sysconfig.get_path('purelib'))"
$(VENV)-slurm/run.stamp: envs/lock-slurm.txt | $(VENV)/dev.stamp
	@$(BIN)/python -m venv --without-pip $(VENV)-slurm
	@$(BIN)/python $(PACKAGES) >"$$($(VENV)-slurm/bin/python $(PACKAGES))/tests.pth"
	@$(BIN)/python -m pip --python $(VENV)-slurm/bin/python install --quiet --disable-pip-version-check -r $<
	@touch $@

# Results in object storage, with a server on this machine. Snakemake's plugin for it needs an environment of its own.
test-s3: $(VENV)/dev.stamp $(VENV)-s3/test.stamp
	@BATCHLAB_S3=$(CURDIR)/$(VENV)-s3/bin/python $(BIN)/pytest -q tests/s3

$(VENV)-s3/bin/python:
	@echo "Setting up the environment in $(VENV)-s3 (once, one or two minutes)"
	@$(PYTHON) -m venv $(VENV)-s3

$(VENV)-s3/test.stamp: envs/lock-s3.txt envs/lock-s3-test.txt | $(VENV)-s3/bin/python
	@$(VENV)-s3/bin/python -m pip install --quiet --disable-pip-version-check -r envs/lock-s3.txt -r envs/lock-s3-test.txt
	@touch $@

check: $(VENV)/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/snakefmt --check Snakefile rules
	@$(BIN)/snakemake --lint

format: $(VENV)/dev.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/snakefmt Snakefile rules

# Pages made from declarations, code and results: config/schema.json, config/README.md, and most of docs/.
docs: $(VENV)/run.stamp
	@cd scripts && ../$(BIN)/python -m batchlab.pages

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "batchlab needs Python 3.11 or newer; set PYTHON=python3.12, say")'
	@echo "Setting up the environment in $(VENV) (once, one or two minutes)"
	@$(PYTHON) -m venv $(VENV)

# Installed modules are compiled on all cores; pip would use one (two cores save a third of the time). Files with syntax of
# another Python version fail to compile, which does no harm.
define install
@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r $<
@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
@touch $@
endef

$(VENV)/run.stamp: envs/lock.txt | $(VENV)/bin/python
	$(install)

$(VENV)/jax.stamp: envs/lock-jax.txt | $(VENV)/run.stamp
	$(install)

$(VENV)/slurm.stamp: envs/lock-slurm.txt | $(VENV)/run.stamp
	$(install)

$(VENV)/parquet.stamp: envs/lock-parquet.txt | $(VENV)/run.stamp
	$(install)

$(VENV)/dev.stamp: envs/lock-dev.txt | $(VENV)/bin/python
	$(install)
	@touch $(VENV)/run.stamp $(VENV)/jax.stamp

# The environment with the tools of `make check` and `make test`.
environment: $(VENV)/dev.stamp

# PyArrow, with which data in Parquet are read.
parquet: $(VENV)/parquet.stamp

# Needs uv. One file holds the versions for Linux, macOS and all supported Pythons, without addresses.
UV_RESOLVE := uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--no-emit-index-url --no-header
UV_COMPILE := $(UV_RESOLVE) --generate-hashes
# Of the peers without hashes and without CUDA, so that a PyTorch for CPUs alone may take the place of the usual one, which
# brings the CUDA that it needs.
lock:
	@$(UV_COMPILE) envs/requirements.in -o envs/lock.txt
	@$(UV_COMPILE) -c envs/lock.txt envs/requirements-jax.in -o envs/lock-jax.txt
	@$(UV_COMPILE) -c envs/lock.txt envs/requirements-slurm.in -o envs/lock-slurm.txt
	@cp envs/lock.txt envs/lock-s3.txt && $(UV_COMPILE) envs/requirements-s3.in -o envs/lock-s3.txt
	@$(UV_COMPILE) -c envs/lock-s3.txt envs/requirements-s3-test.in -o envs/lock-s3-test.txt
	@$(UV_COMPILE) -c envs/lock.txt envs/requirements-parquet.in -o envs/lock-parquet.txt
	@$(UV_COMPILE) -c envs/lock.txt -c envs/lock-jax.txt envs/requirements-dev.in -o envs/lock-dev.txt
	@$(UV_RESOLVE) --no-annotate -c envs/lock.txt -c envs/bench.txt envs/requirements-peers.in \
		| sed -E '/^(nvidia|cuda|triton)/d' > envs/lock-peers.txt

clean-env:
	@rm -rf $(VENV) $(VENV)-slurm $(VENV)-s3
