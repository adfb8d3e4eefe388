#!/bin/sh
# Installs the Debian packages orch is built with, where they are missing. As root it installs them; as anyone else it
# says what to install.
set -eu

missing=""
need() { # package, and a file or program that tells it is there
    case $2 in
        /*) for file in $2; do [ -e "$file" ] && return 0; done ;;
        *) command -v "$2" >/dev/null 2>&1 && return 0 ;;
    esac
    missing="$missing $1"
}

if ! command -v swift >/dev/null 2>&1; then
    echo "setup: there is no swift on PATH; install Swift 6.2 or later from https://swift.org/install" >&2
    exit 1
fi
need git git
need libncursesw5-dev "/usr/include/ncurses.h /usr/include/ncursesw/ncurses.h"
need libsqlite3-dev /usr/include/sqlite3.h
need libc6-dev "/usr/lib/*/libc.a /usr/lib/libc.a"
need procps ps
# The tests drive the dashboard in a real terminal.
need tmux tmux
# The notebook of metrics is executed in an environment of its own.
[ "${1:-}" != notebook ] || need python3-venv "/usr/lib/python3*/ensurepip/__init__.py"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "setup: these Debian packages are missing:$missing" >&2
    echo "hint: sudo apt-get install$missing" >&2
    exit 1
fi
echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
apt-get install -y -qq --no-install-recommends $missing >/dev/null
