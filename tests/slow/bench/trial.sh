#!/usr/bin/env bash
# The benchmark runs: every peer that is installed writes, is compared and is asked, on few rows of
# the workloads that need no download. Figures are not looked at; equality of results is.
set -euo pipefail
if ! "$TEG_PYTHON" -c 'import pyarrow, numpy' 2>/dev/null; then
	echo "skipped: needs pyarrow and numpy"
	exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$TEG_PYTHON" "$TEG_SOURCE_DIR/bench/run.py" --small --repeats 2 --scratch "$scratch" \
	--only sparse --only keys --only ragged --only history --only ledger --only beside --only commits --only memory >"$scratch.out"
for peer in tegula parquet; do
	grep -q "^| full scan .*| $peer" "$scratch.out" || { echo "$peer was not measured"; exit 1; }
done
rm -f "$scratch.out"
