# Everything starts here; each target does the set-up that is still missing and is quick when nothing is.
#
#   make mount SRC=~/papers MNT=~/papers-live    mount a folder (without SRC: the guided demo)
#   make test                                    the tests
#   make test-all                                the slow ones too
#   make bench                                   what the mount costs (SHORT=1: does the benchmark run?)
#   make bench-full                              with every peer that can be had, at every size: half an hour
#   make quality                                 how good the answers are (SHORT=1: less of it, with bounds)
#   make check                                   formatting, lint, types
#   make install DESTDIR= PREFIX=/usr/local      the program, mount helpers, units, man pages, completions (and: uninstall)
#   make ci                                      what continuous integration runs

SHELL := /bin/bash
TOOLS := PATH=$(CURDIR)/.venv/bin:$$PATH
SCRIPTS := scripts/environment scripts/libfuse scripts/lock scripts/mount scripts/peers scripts/python scripts/system-packages scripts/test \
	scripts/tree .ci/run .ci/readme install/files install/program install/remove nixos/checks/nix nixos/checks/run \
	nixos/checks/systemd nixos/checks/boot-one nixos/checks/boot-words $(wildcard nixos/checks/boot/*)

.DEFAULT_GOAL := help
.PHONY: help setup mount test test-all bench bench-full quality check format lock install uninstall ci clean

help:
	@sed -n '/^#   make/s/^#   //p' Makefile

setup:
	@scripts/system-packages mount
	@scripts/environment run

# OPTIONS may hold words for mycelial-mount.
mount: setup
ifdef SRC
	@scripts/mount "$(SRC)" "$(MNT)" $(OPTIONS)
else
	@tests/demo/run
endif

test:
	@scripts/test

test-all:
	@SLOW=1 scripts/test

bench:
	@scripts/system-packages bench
	@scripts/environment run
	@.venv/bin/python -m bench $(if $(SHORT),--short)

bench-full:
	@scripts/system-packages bench-full
	@scripts/environment run
	@scripts/peers
	@.venv/bin/python -m bench --full $(if $(JSON),--json $(JSON))

quality:
	@scripts/system-packages mount
	@scripts/environment run
	@.venv/bin/python -m bench.quality $(if $(SHORT),--short)

check:
	@scripts/system-packages mount
	@scripts/environment dev
	$(TOOLS) ruff format --check .
	$(TOOLS) ruff check .
	$(TOOLS) mypy
	@for script in $(SCRIPTS); do bash -n $$script || exit 1; done

format:
	@scripts/environment dev
	$(TOOLS) ruff check --fix .
	$(TOOLS) ruff format .

lock:
	@scripts/lock

# mount(8) and umount(8) look for helpers in SBINDIR and nowhere else.
PREFIX ?= /usr/local
SBINDIR ?= /usr/sbin
install: setup
	@install/program "$(PREFIX)" "$(DESTDIR)" "$(SBINDIR)"
	@install/files "$(PREFIX)" "$(DESTDIR)" "$(PREFIX)/bin"
	@echo "Installed in $(DESTDIR)$(PREFIX)"

# Databases and settings stay.
uninstall: setup
	@install/remove "$(PREFIX)" "$(DESTDIR)" "$(SBINDIR)"

ci:
	@.ci/run

# Takes away what the other targets made; nothing that a user made.
clean:
	rm -rf .venv .cache build *.egg-info mycelial/core/_core.*.so .pytest_cache .mypy_cache .ruff_cache
