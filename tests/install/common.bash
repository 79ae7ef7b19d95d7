# Sourced by the install tests: a directory of their own, the library installed in it, and a plain
# way to fail. A sanitized build is not what is installed.
set -euo pipefail
: "${TEG_SOURCE_DIR:?}" "${TEG_BUILD_DIR:?}" "${TEG_CMAKE:=cmake}" "${CC:=cc}" "${CXX:=c++}"
if [ -n "${TEG_SANITIZE:-}" ]; then
	echo "skipped: a build with sanitizers"
	exit 77
fi
here=$TEG_SOURCE_DIR/tests/install
work=$(mktemp -d "${TMPDIR:-/tmp}/tegula-install-XXXXXX")
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

install_here() {
	"$TEG_CMAKE" --install "$TEG_BUILD_DIR" --prefix "$prefix" >"$work/install.log" ||
		fail "install: $(cat "$work/install.log")"
}

# Where the libraries went: lib, or lib/<triplet> as Debian has it.
library_dir() {
	dirname "$(find "$prefix" -name 'libtegula.a')"
}

build_consumer() { # build_consumer OPTION...
	"$TEG_CMAKE" -G Ninja -S "$here/consumer" -B "$work/consumer" -DCMAKE_C_COMPILER="$CC" \
		-DCMAKE_CXX_COMPILER="$CXX" "$@" >"$work/consumer.log" 2>&1 &&
		"$TEG_CMAKE" --build "$work/consumer" --parallel 2 >>"$work/consumer.log" 2>&1 ||
		fail "building the consumer: $(cat "$work/consumer.log")"
}

# Runs a program of consumer/ on a store that is not there yet.
run_program() {
	rm -rf "$work/store"
	"$1" "$work/store" >"$work/program.log" 2>&1 || fail "$1 answers $?: $(cat "$work/program.log")"
}

run_consumer() {
	local program
	for program in c_tegula c_tegula_static cxx_tegula cxx_tegula_static; do
		run_program "$work/consumer/$program"
	done
}
