#!/bin/sh
# Sees to it that the servers and the browser that the tests talk to are on this machine.
# As root on Debian it installs what is missing; otherwise it says exactly what to install.
set -eu
missing=
need() { # need PACKAGE PROGRAM...: one of the programs, or the package
    package=$1
    shift
    for program in "$@"; do
        if PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$program" >/dev/null 2>&1; then return; fi
    done
    missing="$missing $package"
}
need mariadb-server mariadbd mysqld
need redis-server redis-server
need redis-sentinel redis-sentinel
need chromium chromium chromium-browser google-chrome
if command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=zh 2>/dev/null | head -1)" ]; then :; else
    missing="$missing fonts-noto-cjk"
fi
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing from Debian:$missing …"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "The tests need what is not on this machine.  Please run:  sudo apt-get install$missing" >&2
    exit 2
fi
