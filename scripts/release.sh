#!/bin/sh
# Makes orch-VERSION-linux-ARCH.tar.gz in .build/dist: programs that need no Swift, man pages, completions, the unit.
# Unpacked into a prefix, it is installed there: tar -xzf FILE --strip-components=1 -C ~/.local
set -eu
cd "$(dirname "$0")/.."

# What the programs may need of the system they run on. A name that is not here is a package users have to install.
allowed="libsqlite3.so.0 libncursesw.so.6 libtinfo.so.6 libstdc++.so.6 libgcc_s.so.1 libm.so.6 libc.so.6
ld-linux-x86-64.so.2 ld-linux-aarch64.so.1"

# In a folder of its own: other flags would have everything else built anew.
for product in orch orch-runner; do
    swift build --configuration release --static-swift-stdlib --scratch-path .build/package --product "$product"
done
programs=$(swift build --configuration release --static-swift-stdlib --scratch-path .build/package --show-bin-path)

version=$(sed -n 's/.*static let number = "\(.*\)"/\1/p' Sources/Orch/Version.swift)
name=orch-$version-linux-$(uname -m)
dist=.build/dist
rm -rf "$dist/$name"
STRIP=yes scripts/stage.sh "$programs" "$dist/$name" %h/.local

# What is linked into them is others' work.
licence() { # whose, and the file
    printf '%s\n%s\n\n' "$1" "$(echo "$1" | sed 's/./=/g')"
    cat "$2"
    printf '\n'
}
resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
notices=$dist/$name/share/doc/orch/copyright
{
    echo "orch's programs have these linked into them, with their terms."
    [ ! -e LICENSE ] || { echo; licence orch LICENSE; }
    for checkout in .build/package/checkouts/*; do
        for file in "$checkout"/LICENSE*; do
            echo
            licence "${checkout##*/}" "$file"
        done
    done
    echo
    licence "Swift's runtime and Foundation" "$resources/../../share/swift/LICENSE.txt"
} >"$notices"

for program in orch orch-runner; do
    for library in $(readelf -d "$dist/$name/bin/$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p'); do
        echo "$program needs $library"
        case " $(echo "$allowed" | tr '\n' ' ') " in
            *" $library "*) ;;
            *)
                echo "release: $program needs $library, which users do not have; see scripts/release.sh" >&2
                exit 1
                ;;
        esac
    done
done

tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(scripts/moment.sh)" \
    -C "$dist" -cf - "$name" | gzip -9n >"$dist/$name.tar.gz"
"$dist/$name/bin/orch" --version
ls -l "$dist/$name.tar.gz"
