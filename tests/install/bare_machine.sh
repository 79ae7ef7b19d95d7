#!/usr/bin/env bash
# ./dev on a machine that has only the compilers, cmake and python3, without root: it names what is
# missing for apt, dnf and brew, exits 1 and has installed nothing.
set -euo pipefail
work=$(mktemp -d "${TMPDIR:-/tmp}/tegula-bare-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/tree"
for tool in bash cat awk tr dirname mkdir cmake python3 cc; do
	ln -s "$(command -v "$tool")" "$work/bin/$tool"
done
printf '#!/bin/sh\necho 1000\n' >"$work/bin/id"
printf '#!/bin/sh\necho ran >>"%s/apt"\n' "$work" >"$work/bin/apt-get"
chmod +x "$work/bin/id" "$work/bin/apt-get"
cp "$TEG_SOURCE_DIR/dev" "$work/tree/dev"

fail() {
	echo "FAILED: $*" >&2
	cat "$work/said" >&2
	exit 1
}

for command in build demo test; do
	status=0
	env -i PATH="$work/bin" HOME= CI=true "$work/bin/bash" "$work/tree/dev" $command \
		>"$work/said" 2>&1 </dev/null || status=$?
	[ $status = 1 ] || fail "$command: exit code $status"
	for words in 'apt install .*libzstd-dev' 'dnf install .*libzstd-devel' 'brew install .*zstd' \
		'apt install .*libxxhash-dev' 'apt install .*libmsgpack-dev' 'apt install .*ninja-build' \
		'apt install .*pkg-config'; do
		grep -q "$words" "$work/said" || fail "$command does not say $words"
	done
done
[ ! -e "$work/apt" ] || fail "apt-get was called without root"

status=0
env -i PATH="$work/bin" "$work/bin/bash" "$work/tree/dev" nonsense >"$work/said" 2>&1 || status=$?
[ $status = 2 ] || fail "an unknown command: exit code $status"
