"""codespell over everything that people read. Words it must accept stand in words.txt."""

import shutil
import subprocess
import sys

import tree

tool = shutil.which("codespell")
if not tool:
    print("spelling: codespell is not installed")
    sys.exit(77)

paths = [p for p in tree.files(".c", ".h", ".cc", ".py", ".sh", ".md", ".cmake", ".txt")]
paths += tree.files(".md", ".py", under=("format-spec",))
paths += [p for p in ("README.md", "CHANGELOG.md", "CMakeLists.txt", "dev") if (tree.ROOT / p).exists()]
done = subprocess.run(
    [tool, "--ignore-words", "tests/lint/words.txt", *paths],
    cwd=tree.ROOT, text=True, capture_output=True,
)
tree.report("spelling", done.stdout.splitlines())
