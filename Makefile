# make demo | test | local | synth. Each sets up what it needs; nothing else has to be run before.
# Debian's own comes first: it is built with optimizations (a quarter faster), and builds, which run as another user, may
# run it too.
PYTHON ?= $(shell for python in /usr/bin/python3.11 /usr/local/bin/python3.11 python3.11; do \
	$$python -c "import ensurepip" 2> /dev/null && echo $$python && break; done)
PORT ?= 8000
BROWSER := $(or $(CHROMIUM),$(shell command -v chromium))
VENV := .venv/bin
# Dependency groups and the files that lock them. Everything else agrees with what is chosen for the first.
LOCKED := pyproject.toml:dev=requirements-dev.txt pyproject.toml:cdk=requirements.txt \
          pyproject.toml:functions=functions/requirements.txt pyproject.toml:functions-deploy=functions/requirements-deploy.txt \
          pyproject.toml:builder=builder_image/requirements.txt pyproject.toml:toolchain=builder_image/toolchain.txt \
          pyproject.toml:one-machine=local/requirements.txt local/pyproject.toml:spin-cli=local/spin_cli/requirements.txt \
          pyproject.toml:docs=docs/requirements.txt \
          pyproject.toml:fuzz=fuzz/requirements.txt pyproject.toml:audit=infra/tools/audit-requirements.txt \
          pyproject.toml:clients=tests/clients/requirements.txt
# In environments of their own, with other versions than everything else.
APART := tests/clients/requirements.txt
LOCKS := $(foreach entry,$(LOCKED),$(lastword $(subst =, ,$(entry)))) package-lock.json functions/ui/package-lock.json tests/clients/package-lock.json
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = 20
export JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION = 20
# A cloud is a hundred short-lived Python processes: without bytecode on disk each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

# Those that take longest first, so that nothing is left to wait for at the end.
LONGEST := $(addprefix tests/,chaos/never_lost e2e/callers e2e security/service unit) local/tests/front \
           $(addprefix tests/,chaos/restart unit/cluster security/builder e2e/other_clouds unit/builder fast_lane) \
           $(addprefix local/tests/,aws spin_host kubernetes_cluster) tests/infra
# They need no toolchain, and run while it is made, which leaves a processor free for the most part. No more of them: those
# that take longest are to begin with as soon as they can.
EARLY := $(addprefix tests/,infra checks cluster) local/tests/oci
FOLDERS := $(LONGEST) $(filter-out $(LONGEST),$(sort $(patsubst %/,%,$(dir $(shell find tests local/tests cli/tests -name "test_*.py")))))

.PHONY: help setup lock demo local smoke synth test test-ui bench conformance fuzz coverage audit image-sbom docs scale check format openapi bundles cli cdk clean $(FOLDERS)

help:
	@echo "make demo    set up, start the one-machine cloud, build and deploy examples/hello, show its answer"
	@echo "make local   start the one-machine cloud and keep it up (PORT=8000, STATE=folder that outlives it, CLUSTER=no: builds only,"
	@echo "             LOCAL_PORTS=5432: functions that name this port of the machine may reach it)"
	@echo "make test    set up, run every check and test"
	@echo "make test-ui   the tests of the page alone, in a real browser (Debian: chromium); pictures in build/ui/pictures"
	@echo "make conformance   hold the product against real parts (a control plane, spin, cosign, the image, Lambda's Python, a fresh machine)"
	@echo "make fuzz    throw made-up inputs at every parser that a stranger reaches (SECONDS=30 for each)"
	@echo "make smoke   try every call of a deployed installation (API=https://…, NAMESPACE=to deploy to)"
	@echo "make coverage   how much of the product the tests of the parts run; too little fails"
	@echo "make audit   ask the databases of advisories about every locked package (STRICT=1: fail where they do not answer)"
	@echo "make image-sbom   the builder image's SBOM: build/image-sbom.cdx.json"
	@echo "make docs    build the documentation as a site: build/site/index.html"
	@echo "make scale   hold quotas and prices against what a build asks, simulate, write docs/scale.md"
	@echo "make bench   measure builds beside the tools typed by hand (RUNS=7), write docs/benchmarks.md"
	@echo "             (PARTS=\"pipeline cold api functions old growth\": the running service instead; RUNS=1: short, written nowhere)"
	@echo "make synth   write the CloudFormation template to cdk.out (no credentials needed)"
	@echo "make cli     the command line \`blue\` as a wheel, with the one-machine cloud: pipx install dist/blue_faas-*.whl"
	@echo "make cdk     the service as a construct, a wheel for CDK apps of others (docs/cdk.md)"
	@echo "make lock    lock the pins of pyproject.toml with hashes (UPGRADE=1: and take the newest of what they pull in)"
	@echo "make check   ruff, mypy, import-linter, complexity;  make format  ruff format;  make openapi  docs/openapi.json"

setup: .venv/made build/prepared

.venv/made: requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Missing: Python 3.11 with its venv module (Debian: apt-get install python3.11 python3.11-venv)"; exit 1; }
	@command -v node > /dev/null || { echo "Missing: Node.js 20 or newer (the AWS CDK needs it)"; exit 1; }
	@echo "Installing Python packages into .venv"
	@test -x $(VENV)/uv || { $(PYTHON) -m venv .venv && sed -n '/^uv==/,/[^\\]$$/p' requirements.txt | \
		$(VENV)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r /dev/stdin; }
	@$(VENV)/uv pip install --quiet --python $(VENV)/python --require-hashes -r requirements-dev.txt
	@touch $@

build/prepared: .venv/made builder_image/toolchain.txt $(wildcard builder_image/builder/*.py builder_image/builder/*/*.py builder_image/fast_lane/* builder_image/fast_lane/guest/*) local/cloud/prepare.py infra/tools/page.py functions/ui/package-lock.json
	@$(VENV)/python -m local.cloud.prepare
	@mkdir -p build && touch $@

# Needs the network. A pin is changed in its group; what it pulls in changes no more than it has to, or, with UPGRADE=1, to
# the newest. No index is named: each machine has its own.
lock: .venv/made
	@for entry in $(LOCKED); do \
		group=$${entry%=*} file=$${entry#*=}; echo "Locking $$file"; \
		$(VENV)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-strip-extras \
			--custom-compile-command "make lock" --annotation-style line $(if $(UPGRADE),--upgrade) --output-file $$file --group $$group \
			$$(case $$file in requirements-dev.txt) echo local/pyproject.toml cli/pyproject.toml --extra mcp;; \
				local/requirements.txt) echo local/pyproject.toml --constraints requirements-dev.txt;; \
				$(APART)) ;; *) echo --constraints requirements-dev.txt;; esac) \
			|| exit 1; \
	done

node_modules/made: package.json package-lock.json
	@npm ci --silent --no-audit --no-fund
	@touch $@

# What makes clients of docs/openapi.json, for tests/e2e/callers/test_generated_clients.py.
build/clients/made: .venv/made tests/clients/requirements.txt tests/clients/package.json tests/clients/package-lock.json
	@mkdir -p build/clients && $(VENV)/uv venv --quiet --clear --python $(VENV)/python build/clients/python
	@$(VENV)/uv pip install --quiet --python build/clients/python/bin/python --require-hashes -r tests/clients/requirements.txt
	@cp tests/clients/package.json tests/clients/package-lock.json build/clients && cd build/clients && npm ci --silent --no-audit --no-fund
	@touch $@

tests/e2e/callers: build/clients/made

# What checks the page at /ui and drives browsers, for the tests that do so.
build/ui/made: .venv/made tests/ui/package.json tests/ui/package-lock.json
	@mkdir -p build/ui && $(VENV)/python -m infra.tools.page tests/ui
	@touch $@

tests/ui tests/e2e/callers local/tests/front: build/ui/made

demo: setup
	@$(VENV)/python -m local.cloud.demo

local: setup
	@exec $(VENV)/python -m local --port $(PORT) $(if $(STATE),--state-dir $(STATE)) $(if $(filter no,$(CLUSTER)),--no-cluster) $(addprefix --local-port ,$(LOCAL_PORTS))

smoke: .venv/made
	@test -n "$(API)" || { echo "Say which API: make smoke API=https://… NAMESPACE=team-a (docs/operations.md)"; exit 1; }
	@$(VENV)/python -m infra.smoke "$(API)" --namespace "$(NAMESPACE)" $(if $(WORKSPACE),--workspace "$(WORKSPACE)")

synth: .venv/made node_modules/made
	@PATH="$(CURDIR)/$(VENV):$$PATH" npx --no-install cdk synth --quiet
	@echo "Template: cdk.out/BlueFaas.template.json"

check: .venv/made
	@$(VENV)/ruff check . && $(VENV)/ruff format --check . && $(VENV)/mypy . && PYTHONPATH=.:builder_image:cli/src $(VENV)/lint-imports --no-logo && $(VENV)/complexipy --plain --failed && $(VENV)/python -m infra.tools.cluster_rbac --check && $(VENV)/python -m infra.tools.translations

openapi: .venv/made
	@$(VENV)/python -m infra.tools.openapi

bundles: .venv/made
	@$(VENV)/python -m infra.tools.bundles

# The page of its commands, then the wheel, with the one-machine cloud in it.
cli: .venv/made
	@PYTHONPATH=.:cli/src $(VENV)/python -m cli.reference > docs/cli.md
	@$(VENV)/python -m cli.wheel

# The service's construct, for CDK apps of others (docs/cdk.md).
cdk: .venv/made
	@rm -rf dist/blue_faas_cdk-*.whl && $(VENV)/python -m infra.tools.cdk_wheel

format: .venv/made
	@$(VENV)/ruff check --fix . && $(VENV)/ruff format .

# Side by side: the checks, and each folder of tests in a process of its own. What its tests share (a cloud, a cluster, a
# synthesized template) is made once, and only that folder's modules are loaded. `make tests/unit` runs one of them.
# At the end: rights of the template's roles that none of the tests' clouds has used.
test:
	@rm -f build/decisions
	@BLUE_FAAS_DECISIONS=$(CURDIR)/build/decisions $(MAKE) --no-print-directory --jobs 5 --output-sync=target --keep-going check $(FOLDERS)
	@$(VENV)/python -m tests.support.unused_rights build/decisions
	@test -n "$(BROWSER)" || echo "Not run: the tests of /ui in a browser; there is no chromium (Debian: apt-get install chromium)"

# The page: its modules, and the journeys in a real browser, which `make test` leaves out where there is none. What they saw:
# build/ui/pictures.
test-ui: setup
	@test -n "$(BROWSER)" || { echo "Missing: chromium (Debian: apt-get install chromium)"; exit 1; }
	@$(VENV)/python -m pytest tests/ui/test_*.py
	@$(VENV)/python -m pytest local/tests/front/test_page.py
	@$(VENV)/python -m pytest tests/e2e/callers/test_page.py

# How much of the product the tests below run, lines and branches; less than [tool.coverage.report] asks for fails. Not part
# of `make test`: on Python 3.11 counting takes half as much time again (docs/decisions/0030-gates.md).
COVERED := $(addprefix coverage/,tests/security/builder tests/unit/cluster tests/unit tests/unit/builder tests/infra \
           tests/unit/registry tests/bundles tests/cluster)

coverage: setup
	@rm -rf build/coverage && mkdir -p build/coverage
	@$(MAKE) --no-print-directory --jobs 3 --output-sync=target $(COVERED)
	@$(VENV)/coverage combine --quiet && $(VENV)/coverage report

$(COVERED):
	@echo $(@:coverage/%=%) && $(VENV)/coverage run -m pytest $(@:coverage/%=%)/test_*.py

# Made-up inputs for every parser that a stranger reaches; SECONDS for each of them. The corpus is kept in build/fuzz.
fuzz: setup
	@$(VENV)/uv pip install --quiet --python $(VENV)/python --require-hashes -r fuzz/requirements.txt
	@PYTHONPATH=.:builder_image $(VENV)/python -m fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(TARGETS)

# Real parts: built once below build/, not part of `make test`. docs/conformance.md keeps the last result of each.
conformance: setup
	@PYTHONPATH=.:builder_image $(VENV)/python -m conformance $(PARTS)

# Findings fail. A database that does not answer is told of in one line, and fails only with STRICT=1.
build/audit-environment/made: .venv/made infra/tools/audit-requirements.txt
	@$(VENV)/uv venv --quiet --clear --python $(VENV)/python build/audit-environment
	@$(VENV)/uv pip install --quiet --python build/audit-environment/bin/python --require-hashes -r infra/tools/audit-requirements.txt
	@touch $@

audit: build/audit-environment/made
	@$(VENV)/python -m infra.tools.audit --pip-audit build/audit-environment/bin/pip-audit $(if $(STRICT),--strict) $(LOCKS)

image-sbom: .venv/made
	@mkdir -p build && $(VENV)/python -m infra.tools.image_sbom > build/image-sbom.cdx.json && echo build/image-sbom.cdx.json

# The site, from docs/ and the pages at the root: build/site/index.html. Links that lead nowhere fail it.
build/docs-environment/made: .venv/made docs/requirements.txt
	@$(VENV)/uv venv --quiet --clear --python $(VENV)/python build/docs-environment
	@$(VENV)/uv pip install --quiet --python build/docs-environment/bin/python --require-hashes -r docs/requirements.txt
	@touch $@

docs: build/docs-environment/made
	@NO_MKDOCS_2_WARNING=1 build/docs-environment/bin/mkdocs build --clean && echo "Site: build/site/index.html"

scale: setup
	@PYTHONPATH=.:builder_image $(VENV)/python -m bench.scale

# What builds cost in one run, on a quiet machine about eight minutes; with PARTS, the running service. Written to
# docs/benchmarks.md, each part when it ends.
bench: setup
	@PYTHONPATH=.:builder_image $(VENV)/python -m $(if $(PARTS),bench.service $(PARTS),tests.benchmarks) $(if $(RUNS),--runs $(RUNS))

$(EARLY): .venv/made
$(filter-out $(EARLY),$(FOLDERS)): setup

$(FOLDERS):
	@echo $@ && $(VENV)/python -m pytest $@/test_*.py

clean:
	@test ! -x $(VENV)/python || $(VENV)/python -c "import shutil; from local.cloud.places import shared_root; shutil.rmtree(shared_root(), True)"
	rm -rf .venv build cdk.out .local node_modules dist functions/ui/static/vendor
