#!/usr/bin/env bash
# The flags of pkg-config are all that a program needs, shared and static, in C11 and C++17.
. "$(dirname "$0")/common.bash"
install_here
export PKG_CONFIG_PATH=$(library_dir)/pkgconfig LD_LIBRARY_PATH=$(library_dir)
flags=$(pkg-config --cflags tegula)
[ "$(pkg-config --variable=prefix tegula | xargs realpath)" = "$(realpath "$prefix")" ] ||
	fail "prefix is $(pkg-config --variable=prefix tegula)"

# shellcheck disable=SC2046,SC2086 # flags are words
{
	"$CC" -std=c11 -Wall -Wextra -Werror $flags "$here/consumer/main.c" -o "$work/shared" \
		$(pkg-config --libs tegula)
	"$CXX" -std=c++17 -Wall -Wextra -Werror $flags "$here/consumer/main.cc" -o "$work/cxx" \
		$(pkg-config --libs tegula)
	"$CC" -std=c11 $flags "$here/consumer/main.c" -o "$work/static" \
		"$(library_dir)/libtegula.a" $(pkg-config --static --libs-only-l tegula | sed 's/-ltegula//')
}
for program in shared cxx static; do
	run_program "$work/$program"
done
ldd "$work/shared" | grep 'libtegula\.so\.0 ' >&2 || fail "not linked to libtegula.so.0"
! ldd "$work/static" | grep libtegula >&2 || fail "the static program still wants the shared library"
