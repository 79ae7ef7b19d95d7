#!/usr/bin/env bash
# The shared library, stripped, stays under one megabyte.
. "$(dirname "$0")/common.bash"
strip -o "$work/stripped.so" "$(realpath "$TEG_BUILD_DIR/libtegula.so")"
size=$(stat -c %s "$work/stripped.so")
echo "libtegula.so, stripped: $size bytes"
[ "$size" -lt 1000000 ] || fail "$size bytes"
