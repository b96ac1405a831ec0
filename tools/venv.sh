#!/bin/sh
# Makes .venv from a lock file, once for each content of that file.   tools/venv.sh LOCKFILE [FOLDER]
# Needs Python 3.11 or newer and nothing else; on Debian, as root, it installs python3-venv where that is missing.
set -eu
lock=$1
folder=${2:-.venv}
stamp=$folder/.made-from-$(basename "$lock")
say() { printf '%s\n' "$*" >&2; }

python=
for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    say "Dada needs Python 3.11 or newer, and found none.  On Debian 12 or newer: apt-get install python3 python3-venv"
    exit 2
fi

fast=requirements-fast.lock
content() { cat "$1" "$fast" setup.cfg | cksum; }
current() { [ -f "$folder/.made-from-$1" ] && [ "$(cat "$folder/.made-from-$1")" = "$(content "$1")" ]; }
# The development lock holds all of the other one, in the same versions.
if current "$lock" || { [ "$lock" = requirements.lock ] && current requirements-dev.lock; }; then
    exit 0
fi

if [ ! -x "$folder/bin/python" ]; then
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            say "Installing python3-venv from Debian (Debian keeps it apart from Python) …"
            apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "python$version-venv" >/dev/null
        else
            say "Python's venv module is missing.  Please run:  sudo apt-get install python$version-venv"
            exit 2
        fi
    fi
    say "Making $folder with $("$python" --version) …"
    "$python" -m venv "$folder"
fi
say "Installing the locked packages of $lock (once; a minute or two) …"
"$folder/bin/python" -m pip install --disable-pip-version-check -qq --require-hashes --no-deps -r "$lock"
"$folder/bin/python" -m pip install --disable-pip-version-check -qq --no-deps --no-build-isolation --no-index -e .
# gunicorn's fast parser is written in C and mostly comes as source: where it cannot be built, the one in Python does.
if ! "$folder/bin/python" -m pip install --disable-pip-version-check -qq --require-hashes --no-deps --no-build-isolation \
    -r "$fast" >"$folder/fast-parser.log" 2>&1; then
    say "gunicorn's fast parser does not build here (a C compiler and python3-dev would do): it parses in Python."
fi
rm -f "$folder"/.made-from-*
content "$lock" > "$stamp"
