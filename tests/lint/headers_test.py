"""Every header compiles alone: as strict C11, and the public ones as C++17 too."""

import concurrent.futures
import os
import subprocess

import tree

PUBLIC = [
    "engine/tegula.h",
    "engine/tegula_unstable.h",
    "codec/base/status.h",
    "codec/base/allocator.h",
]
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]


def compile_alone(job):
    compiler, language, flags, header = job
    # Twice, so that a missing guard is seen.
    text = f'#include "{header}"\n#include "{header}"\n'
    command = [compiler, f"-x{language}", *flags, *WARNINGS, "-I.", "-fsyntax-only", "-"]
    done = subprocess.run(command, cwd=tree.ROOT, input=text, text=True, capture_output=True)
    return f"{header} ({language}):\n{done.stderr}" if done.returncode else None


def jobs():
    cc, cxx = os.environ.get("CC") or "cc", os.environ.get("CXX") or "c++"
    for header in tree.files(".h", under=("codec", "engine", "tools", "bench")):
        flags = ["-std=c11"]
        if not header.startswith(("codec/", "engine/")):
            flags.append("-D_GNU_SOURCE")
        if not header.startswith("tools/parquet"):
            yield cc, "c", flags, header
    for header in PUBLIC:
        yield cxx, "c++", ["-std=c++17", "-pedantic"], header


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    problems = [p for p in pool.map(compile_alone, jobs()) if p]
tree.report("headers", problems)
