#!/usr/bin/env bash
# The installed tilectl runs from its place, and its manual page and completion come with it.
. "$(dirname "$0")/common.bash"
install_here
version=$("$prefix/bin/tilectl" version) || fail "tilectl version answers $?"
[[ $version == *0.1.0* ]] || fail "it says $version"
grep -q '^\.TH' "$prefix/share/man/man1/tilectl.1" || fail "no manual page"
bash -n "$prefix/share/bash-completion/completions/tilectl" || fail "completion is not bash"
