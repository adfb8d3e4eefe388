#!/bin/sh
# Makes a Debian package of what scripts/release.sh has made, beside it. DEBFULLNAME and DEBEMAIL say whose it is.
set -eu
cd "$(dirname "$0")/.."
root=$PWD

version=$(sed -n 's/.*static let number = "\(.*\)"/\1/p' Sources/Orch/Version.swift)
architecture=$(dpkg --print-architecture)
release=.build/dist/orch-$version-linux-$(uname -m)
[ -x "$release/bin/orch" ] || { echo "deb: there is no $release; make it with: make release" >&2; exit 1; }
maintainer="${DEBFULLNAME:-$(git config user.name || echo orch)} <${DEBEMAIL:-$(git config user.email || echo orch@localhost)}>"
SOURCE_DATE_EPOCH=$(scripts/moment.sh)
export SOURCE_DATE_EPOCH

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
umask 022
tree=$scratch/debian/orch
mkdir -p "$tree/DEBIAN" "$tree/usr/lib/systemd" "$tree/usr/share/zsh"
cp -R "$release/bin" "$release/share" "$tree/usr"

# Where Debian has them.
mv "$tree/usr/share/systemd/user" "$tree/usr/lib/systemd/user"
rmdir "$tree/usr/share/systemd"
cp packaging/orch.service "$tree/usr/lib/systemd/user"
mv "$tree/usr/share/zsh/site-functions" "$tree/usr/share/zsh/vendor-completions"
gzip -9n "$tree"/usr/share/man/man1/*.1
gzip -9n "$tree/usr/share/doc/orch/CHANGELOG.md"
cat >"$tree/usr/share/doc/orch/changelog" <<END
orch ($version) unstable; urgency=medium

  * What is new is in CHANGELOG.md, beside this file.

 -- $maintainer  $(date -Ru -d "@$SOURCE_DATE_EPOCH")
END
gzip -9n "$tree/usr/share/doc/orch/changelog"

# The versions of the libraries that it needs at least, by the symbols it uses.
cat >"$scratch/debian/control" <<END
Source: orch
Package: orch
Architecture: any
END
libraries=$(cd "$scratch" && dpkg-shlibdeps -O debian/orch/usr/bin/orch | sed -n 's/^shlibs:Depends=//p')
[ -n "$libraries" ]

cat >"$tree/DEBIAN/control" <<END
Package: orch
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -sk "$tree/usr" | cut -f1)
Depends: git (>= 1:2.39), $libraries
Recommends: ca-certificates
Section: vcs
Priority: optional
Description: runs a team of coding agents, and lands what they make
 orch takes tickets from a backlog, gives each to a coding agent in a git
 worktree of its own, verifies what comes back, asks a human where one is
 wanted, and lands exactly the tree that was tested on a green main branch.
END
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$scratch" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
package=$root/.build/dist/orch_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$tree" "$package"
dpkg-deb --field "$package" Package Version Architecture Depends Installed-Size
