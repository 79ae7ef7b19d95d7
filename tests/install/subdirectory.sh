#!/usr/bin/env bash
# Another project takes the source tree in with add_subdirectory: it gets the two libraries, no test,
# tool or install rule of ours, and none of our flags.
. "$(dirname "$0")/common.bash"
launcher=()
if command -v ccache >/dev/null; then
	launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
fi
build_consumer -DTEG_SOURCE="$TEG_SOURCE_DIR" -DCMAKE_BUILD_TYPE= \
	-DCMAKE_EXPORT_COMPILE_COMMANDS=ON "${launcher[@]}"
run_consumer
! grep -E 'main\.c' "$work/consumer/compile_commands.json" | grep -e -Wconversion >&2 ||
	fail "our warnings reach the consumer's sources"
[ ! -e "$work/consumer/tegula/tilectl" ] || fail "tilectl was built"
! "$TEG_CMAKE" --install "$work/consumer" --prefix "$work/none" 2>/dev/null |
	grep -q tegula || fail "install rules of ours are in the consumer's install"
