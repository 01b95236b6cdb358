# Every target works on a machine that has make and Python 3.11 or newer, and nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
STAMP := $(VENV)/.installed
PROJECTS := -e shared/events -e .
VOUCHERS ?= 60
SEED ?= 7
BUS ?= embedded
OUT ?=
ONLY ?=
SEEDS ?= 20
MINUTES ?= 30
ARGS ?=
UV := uv==0.13.9
# installs must not fail for want of a directory to write .pyc files or of a newer pip
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet

# the first of these that is Python 3.11 or newer and can make environments
FIND_PYTHON = for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	if "$$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$$python"; exit 0; fi; \
	done; echo "No Python 3.11 or newer with its venv module was found; install one (Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3" >&2; exit 1

.PHONY: help
help: ## list the targets 列出所有目标
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## make .venv from requirements.lock; nothing to do the second time 建立运行环境

$(STAMP): requirements.lock pyproject.toml shared/events/pyproject.toml
	@python=$$($(FIND_PYTHON)) || exit 1; \
	if ! $(VENV)/bin/python -c '' 2>/dev/null; then "$$python" -m venv --clear $(VENV); fi
	@echo "installing $$(grep -c '^[a-z0-9].*==' requirements.lock) packages of requirements.lock into $(VENV) (once) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation $(PROJECTS)
	@touch $@

.PHONY: demo
demo: $(STAMP) ## vouchers of four regions from application to payment: VOUCHERS=60 SEED=7 BUS=embedded|kafka OUT=dir 演示
	@$(VENV)/bin/tongdui demo --vouchers $(VOUCHERS) --seed $(SEED) --bus $(BUS) $(if $(OUT),--out $(OUT))

.PHONY: test
test: $(STAMP) ## every test, on both buses, with a real database and broker; ARGS= goes to pytest 全部测试
	@$(VENV)/bin/python -m pytest $(ARGS)

.PHONY: test-unit
test-unit: $(STAMP) ## the tests without a database or a broker 单元测试
	@$(VENV)/bin/python -m pytest tests/unit tests/contract $(ARGS)

.PHONY: faults
faults: $(STAMP) ## every fault with many seeds into docs/reliability.md, about an hour: SEEDS=20 ONLY="broker" 故障演练
	@TONGDUI_FAULTS_STOPPED_SECONDS=60 $(VENV)/bin/python -m tests.faults.table --seeds $(SEEDS) $(ONLY)

.PHONY: soak
soak: $(STAMP) ## half an hour of work on Kafka; memory and descriptors stay flat: MINUTES=30 长时间运行
	@$(VENV)/bin/python -m tests.faults.soak --minutes $(MINUTES)

.PHONY: bench
bench: $(STAMP) ## each path as a ratio to the raw parts it is made of, under 8 minutes: ONLY="allocation relay" 测速
	@$(VENV)/bin/python -m benchmarks $(ONLY)

.PHONY: lint
lint: $(STAMP) ## ruff and the import contracts 代码检查
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/lint-imports

.PHONY: lock
lock: ## resolve requirements.lock anew (UPGRADE=1: to the newest versions) 重新锁定依赖
	@python=$$($(FIND_PYTHON)) || exit 1; "$$python" -m venv --clear .venv-lock
	@.venv-lock/bin/python -m pip --disable-pip-version-check --quiet install $(UV)
	@UV_CUSTOM_COMPILE_COMMAND="make lock" .venv-lock/bin/uv pip compile pyproject.toml requirements.in --all-extras \
		--universal --python-version 3.11 --generate-hashes --no-emit-package tongdui-events --no-annotate --quiet \
		$(if $(UPGRADE),--upgrade) --output-file requirements.lock
	@rm -rf .venv-lock

.PHONY: clean
clean: ## remove .venv, caches and the state of tongdui up 清理
	@rm -rf $(VENV) .venv-lock .tongdui .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
