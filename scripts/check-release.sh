#!/bin/sh
# Tries what `make deb` has made where users do: a bare Debian without Swift, as an ordinary user, with docs/quickstart.md
# word for word; once from the tarball, once from the package. As root: scripts/check-release.sh ROOT
# ROOT is a folder with such a system in it. Where there is none it is made, with debootstrap (MIRROR says from where).
set -eu
cd "$(dirname "$0")/.."
root=${1:-}
[ -n "$root" ] || { echo "usage: check-release.sh ROOT, a folder to make a bare Debian in" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "check-release: chroot takes root" >&2; exit 1; }

version=$(sed -n 's/.*static let number = "\(.*\)"/\1/p' Sources/Orch/Version.swift)
tarball=$PWD/.build/dist/orch-$version-linux-$(uname -m).tar.gz
package=$PWD/.build/dist/orch_${version}_$(dpkg --print-architecture).deb

if [ ! -e "$root/etc/debian_version" ]; then
    command -v debootstrap >/dev/null ||
        { printf 'check-release: there is no debootstrap\nhint: apt-get install debootstrap\n' >&2; exit 1; }
    debootstrap --variant=minbase --include=git,ca-certificates,libncursesw6,libsqlite3-0 \
        bookworm "$root" ${MIRROR:+"$MIRROR"}
fi
root=$(cd "$root" && pwd)

# A line of shell in there, as a user; nothing that it starts outlives it.
inside() { # user, line
    # shellcheck disable=SC2016 # that shell's
    unshare --mount --pid --fork --propagation private sh -euc '
        mount -t proc proc "$1/proc"
        mount --rbind /dev "$1/dev"
        exec env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 chroot "$1" su -s /bin/sh "$2" -c "$3"
    ' sh "$root" "$1" "$2"
}
say() { printf '\n== %s\n' "$*"; }

inside root 'id tester >/dev/null 2>&1 || useradd -m tester'
home=$root/home/tester
fresh() { # leaves the user with the page, and what does it, alone
    inside root 'rm -rf /home/tester && mkdir /home/tester && chown tester: /home/tester'
    mkdir -p "$home/source/docs" "$home/source/scripts"
    cp docs/quickstart.md "$home/source/docs"
    cp scripts/quickstart.sh "$home/source/scripts"
    inside root 'chown -R tester: /home/tester'
}
# shellcheck disable=SC2016 # the other shell's
quickstart='PATH=$HOME/.local/bin:$PATH; cd
    orch --version
    if command -v swift || ldd "$(command -v orch)" | grep "not found"; then exit 1; fi
    orch doctor
    source/scripts/quickstart.sh
    source/scripts/quickstart.sh "$(dirname "$(command -v orch)")" >/dev/null
    orch completions bash >/dev/null
    [ "$(ls -A)" = ".local
source" ] || [ "$(ls -A)" = source ]'

say "the tarball, in $(cat "$root/etc/debian_version")"
fresh
cp "$tarball" "$root/tmp/orch.tar.gz"
inside tester 'mkdir ~/.local && tar -xzf /tmp/orch.tar.gz --strip-components=1 -C ~/.local'
inside tester "set -eu; $quickstart"

say "the package"
fresh
cp "$package" "$root/tmp/orch.deb"
before=$(inside root 'find / -xdev -path /home -prune -o -path /var -prune -o -path /tmp -prune -o -print | sort | cksum')
inside root 'dpkg -i /tmp/orch.deb'
inside tester "set -eu; $quickstart"
inside root 'dpkg --verify orch && dpkg -r orch'
after=$(inside root 'find / -xdev -path /home -prune -o -path /var -prune -o -path /tmp -prune -o -print | sort | cksum')
[ "$before" = "$after" ] || { echo "check-release: the removed package has left files" >&2; exit 1; }

rm -f "$root/tmp/orch.tar.gz" "$root/tmp/orch.deb"
inside root 'userdel -r tester 2>/dev/null'
say "both work, and nothing is left"
