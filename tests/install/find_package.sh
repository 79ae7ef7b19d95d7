#!/usr/bin/env bash
# A CMake project finds the installed package, links either library and runs; also after the whole
# tree was moved, because nothing in it names its place.
. "$(dirname "$0")/common.bash"
install_here
build_consumer -DCMAKE_PREFIX_PATH="$prefix"
run_consumer
rm -rf "$work/consumer"
mv "$prefix" "$work/moved"
build_consumer -DCMAKE_PREFIX_PATH="$work/moved"
run_consumer

# A version that this one does not promise to stand in for is refused.
mkdir "$work/later"
cat >"$work/later/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(later LANGUAGES C)
find_package(tegula 0.99 REQUIRED)
END
! "$TEG_CMAKE" -S "$work/later" -B "$work/later/build" -DCMAKE_PREFIX_PATH="$work/moved" \
	>/dev/null 2>&1 || fail "0.99 was found"
