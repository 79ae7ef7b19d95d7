#!/usr/bin/env bash
# The shared library shows what symbols.txt lists and nothing else, the archive no name but teg_*,
# and no object of the library holds state that can be written to.
#
# symbols.txt is the ABI: a line that goes is a break. A new function is added there by hand.
. "$(dirname "$0")/common.bash"
golden=$here/symbols.txt
shown() { nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort; }

shown "$TEG_BUILD_DIR/libtegula.so" >"$work/shown"
diff -u "$golden" "$work/shown" || fail "exported symbols differ from symbols.txt"

others=$(nm -g --defined-only "$TEG_BUILD_DIR/libtegula.a" | awk 'NF == 3 && $3 !~ /^teg_/ { print $3 }')
[ -z "$others" ] || fail "the archive defines $others"

readelf -d "$TEG_BUILD_DIR/libtegula.so" | grep 'SONAME.*\[libtegula\.so\.0\]' >&2 || fail "SONAME"

# Writable data: .data and .bss, not .data.rel.ro (constants that the loader relocates).
state=$(nm -f sysv --defined-only "$TEG_BUILD_DIR/libtegula.a" |
	awk -F'|' '$7 ~ /^\.(data|bss|tdata|tbss)(\.|$)/ && $7 !~ /^\.data\.rel\.ro/ { print $1 }')
[ -z "$state" ] || fail "writable state: $state"
