#!/bin/sh
# Lays out what a user installs, under a prefix: scripts/stage.sh PROGRAMS TREE [PREFIX]
# PROGRAMS is the folder that orch and orch-runner were built into, TREE where the files go, and PREFIX where they will
# be in the end, for the unit: TREE itself, if it is left out. STRIP=yes takes the symbols away.
set -eu
programs=$(cd "${1:?usage: stage.sh PROGRAMS TREE [PREFIX]}" && pwd)
mkdir -p "${2:?usage: stage.sh PROGRAMS TREE [PREFIX]}"
tree=$(cd "$2" && pwd)
prefix=${3:-$tree}
cd "$(dirname "$0")/.."

put() { install -D -m 644 "$1" "$tree/$2"; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for program in orch orch-runner; do
    cp "$programs/$program" "$scratch/$program"
    [ "${STRIP:-no}" = no ] || strip --strip-unneeded "$scratch/$program"
    [ "$program" = orch-runner ] || scripts/stamp.sh "$scratch/$program"
    # Beside, and then renamed: the program may be running.
    install -D -m 755 "$scratch/$program" "$tree/bin/.$program.new"
    mv "$tree/bin/.$program.new" "$tree/bin/$program"
done
orch=$scratch/orch

scripts/manual.pl "$orch" "$scratch/man"
for page in "$scratch"/man/*.1; do put "$page" "share/man/man1/${page##*/}"; done

# It is sourced, not run.
"$orch" completions bash | sed '1{/^#!/d}' >"$scratch/bash"
put "$scratch/bash" share/bash-completion/completions/orch
"$orch" completions zsh >"$scratch/zsh"
put "$scratch/zsh" share/zsh/site-functions/_orch
"$orch" completions fish >"$scratch/fish"
put "$scratch/fish" share/fish/vendor_completions.d/orch.fish

sed "s|^ExecStart=/usr/bin/|ExecStart=$prefix/bin/|" packaging/orch.service >"$scratch/unit"
put "$scratch/unit" share/systemd/user/orch.service

for file in README.md CHANGELOG.md config.sample.json config.repository.sample.json docs/*.md schema/*.json LICENSE*; do
    [ ! -e "$file" ] || put "$file" "share/doc/orch/$file"
done
