#!/usr/bin/env bash
# Makes the environment in .venv:  scripts/setup.sh run | dev
#
# Works as root in a container and as an ordinary user on stock Debian and Ubuntu: a uv from the path or
# one in a private folder (.tools), a Python of 3.12 or later that is found, or fetched by uv.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-run}
say() { printf '%s\n' "$*" >&2; }
fail() { say "mingjing: $*"; exit 1; }

[ -n "${HOME:-}" ] && [ -w "${HOME:-}" ] || { mkdir -p .tools/home; export HOME=$PWD/.tools/home; }

new_enough() { "$1" -c 'import sys, ssl, sqlite3; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }

find_python() {
    local candidate pyenv_root
    pyenv_root=${PYENV_ROOT:-$(dirname "$(dirname "$(command -v pyenv 2>/dev/null || echo /none/bin/pyenv)")")}
    for candidate in "${MINGJING_PYTHON:-}" python3.13 python3.12 python3.14 python3 \
        "$pyenv_root"/versions/3.13*/bin/python3 "$pyenv_root"/versions/3.1[24]*/bin/python3 \
        /usr/bin/python3.1[234] /usr/local/bin/python3.1[234]; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate" || continue
        "$candidate" -c 'import sys; print(sys.executable)'
        return
    done
}

find_uv() {
    local uv
    for uv in .tools/venv/bin/uv .tools/site/bin/uv uv; do
        "$uv" --version >/dev/null 2>&1 && { echo "$uv"; return; }
    done
    return 0
}

# uv in a private folder; PEP 668 allows both ways, and either may lack its Debian package.
make_uv() {
    local python=$1 log=.tools/uv.log
    mkdir -p .tools
    say "Fetching uv, the package manager, into .tools (about 20 MB) …"
    { "$python" -m venv .tools/venv && .tools/venv/bin/python -m pip install --quiet uv; } >"$log" 2>&1 && return
    rm -rf .tools/venv
    "$python" -m pip install --quiet --target .tools/site uv >>"$log" 2>&1 && return
    if grep -qiE 'ensurepip|No module named (pip|venv)' "$log"; then return 2; fi
    tail -n 3 "$log" >&2
    fail "could not fetch uv from the Python package index: see .tools/uv.log"
}

install_venv_package() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    say "Installing the Debian package python3-venv …"
    apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
}

python=$(find_python)
uv=$(find_uv)
if [ -z "$uv" ]; then
    any=${python:-$(command -v python3 || true)}
    [ -n "$any" ] || fail "there is no Python here: install the package python3-venv (apt-get install python3-venv), then run this again."
    if ! make_uv "$any"; then
        install_venv_package && make_uv "$(command -v python3)" ||
            fail "this Python has neither venv nor pip: install the package python3-venv (apt-get install python3-venv), then run this again."
    fi
    uv=$(find_uv)
fi

options=(--frozen --inexact --compile-bytecode)  # compiled once here, not at the start of each service
[ "$kind" = dev ] || options+=(--no-dev)
[ -z "$python" ] || options+=(--python "$python")
say "Making the environment in .venv with ${python:-a Python that uv fetches} (about a minute the first time) …"
"$uv" sync "${options[@]}" || {
    [ -n "$python" ] && fail "could not install the packages: the reason is above."
    fail "Python 3.12 or later is needed and could not be fetched: install the package python3 of Debian 13, python3.12 of Ubuntu 24.04, or name one in MINGJING_PYTHON, then run this again."
}
.venv/bin/python -m compileall -q mingjing web proxy_addon monitor issuer tlog keys verifier
touch .venv/.ready
[ "$kind" = run ] || touch .venv/.ready-dev
