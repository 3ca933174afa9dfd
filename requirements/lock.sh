#!/bin/sh
# Resolves the lock files: one for everything that a checkout runs, one that adds the tests' tools, and
# one per service that is consistent with them. Needs `uv` in .venv or on the PATH. Options are passed to uv.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH

lock() { # lock OUTPUT EXTRA... -- OPTION...
    output=$1; shift
    extras=
    while [ "$1" != -- ]; do extras="$extras --extra $1"; shift; done
    shift
    # shellcheck disable=SC2086 # the extras are words
    uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
        --no-annotate --no-header $extras "$@" pyproject.toml -o "requirements/$output.lock"
}

all="gateway dispatcher inference cpu tracker renderer setup local build"
# shellcheck disable=SC2086 # the extras are words
{
    lock run $all -- "$@"
    lock test $all evaluate openvino audit sbom test -- -c requirements/run.lock
    lock evaluate $all evaluate -- -c requirements/run.lock -c requirements/test.lock
    lock openvino $all openvino -- -c requirements/run.lock -c requirements/test.lock
    lock audit $all audit -- -c requirements/run.lock -c requirements/test.lock
}
lock gateway gateway -- -c requirements/run.lock
lock dispatcher dispatcher -- -c requirements/run.lock
lock inference inference cpu -- -c requirements/run.lock
lock inference-gpu inference gpu -- -c requirements/run.lock
lock tracker tracker -- -c requirements/run.lock
lock renderer renderer -- -c requirements/run.lock
lock setup setup -- -c requirements/run.lock
lock build build -- -c requirements/run.lock
lock sbom sbom -- -c requirements/run.lock -c requirements/test.lock
