#!/usr/bin/env bash
# Runs every tests/cli/cases/*.case: commands with the stdout, stderr and exit code they must give.
#
#   # why this case exists, with acceptance ids
#   ? parquet                     needs a build with the Parquet module, else the file is skipped
#   $ tilectl ls store            run by bash in a fresh directory of the file's own
#   > a line of stdout            what it must print
#   ! a line of stderr
#   = 2                           its exit code, where it is not 0
#
# `fixture KIND STORE` makes a store (fixture.c). With TEG_UPDATE=1 the files are rewritten with what
# came: read the difference before keeping it.
set -u

if [ ! -x "$TEG_TILECTL" ] || [ ! -x "$TEG_BUILD_DIR/tests/cli_fixture" ]; then
	echo "skipped: tilectl is not built"
	exit 77
fi
cases="$TEG_SOURCE_DIR/tests/cli/cases"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$TEG_TILECTL" "$work/bin/tilectl"
ln -s "$TEG_BUILD_DIR/tests/cli_fixture" "$work/bin/fixture"
export PATH="$work/bin:$PATH" LC_ALL=C
wrong=0

# What the commands of a file print, in the form of a case file.
replay() {
	local line code
	while IFS= read -r line; do
		case "$line" in
		'#'* | '?'* | '')
			printf '%s\n' "$line"
			;;
		'$ '*)
			printf '%s\n' "$line"
			bash -c "${line#'$ '}" </dev/null >"$work/out" 2>"$work/err"
			code=$?
			sed -e 's/^/> /' -e 's/\r$/\\r/' -e '$a\' "$work/out"
			sed -e 's/^/! /' "$work/err"
			[ "$code" -eq 0 ] || printf '= %s\n' "$code"
			;;
		esac
	done <"$1"
}

parquet="$(tilectl version --format csv | tail -n 1 | tr -d '\r' | cut -d , -f 2)"
n=0
for file in "$cases"/*.case; do
	if grep -q '^? parquet' "$file" && [ "$parquet" != true ]; then
		continue
	fi
	mkdir "$work/here"
	(cd "$work/here" && replay "$file") >"$work/got"
	if [ "${TEG_UPDATE:-}" = 1 ]; then
		cp "$work/got" "$file"
	elif ! diff -u --label "${file##*/} expected" --label got "$file" "$work/got"; then
		wrong=$((wrong + 1))
	fi
	rm -rf "$work/here"
	n=$((n + 1))
done
echo "$n case files, $wrong wrong"
[ "$wrong" -eq 0 ] && [ "$n" -gt 0 ]
