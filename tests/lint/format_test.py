"""clang-format 14 would change nothing (./dev format does it)."""

import shutil
import subprocess
import sys

import tree

tool = shutil.which("clang-format-14")
if not tool:
    print("format: clang-format-14 is not installed")
    sys.exit(77)

sources = tree.files(".c", ".h", ".cc")
done = subprocess.run(
    [tool, "--dry-run", *sources], cwd=tree.ROOT, text=True, capture_output=True, check=True
)
changed = {}
for line in done.stderr.splitlines():
    if "[-Wclang-format-violations]" in line:
        path, number = line.split(":")[:2]
        changed.setdefault(path, []).append(number)
tree.report(
    "format", [f"{path}:{numbers[0]}: {len(numbers)} places" for path, numbers in changed.items()]
)
