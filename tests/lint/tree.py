"""The files that the checks of this directory look at, and how they report."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = ("codec", "engine", "tools", "bench", "tests", "fuzz")
SKIP = {"build", "__pycache__", "corpus", "vectors"}


def files(*endings, under=CODE):
    """Paths below the root, as text, in order."""
    found = []
    for top in under:
        for folder, folders, names in os.walk(ROOT / top):
            folders[:] = sorted(f for f in folders if f not in SKIP and not f.startswith("build-"))
            found += [
                str((pathlib.Path(folder) / name).relative_to(ROOT))
                for name in sorted(names)
                if name.endswith(endings)
            ]
    return found


def lines(path):
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


def module(path):
    """codec/base/buf.c -> codec/base; engine/store.c -> engine/api."""
    parts = path.split("/")
    if parts[0] == "engine" and len(parts) == 2:
        return "engine/api"
    return "/".join(parts[:2]) if parts[0] in ("codec", "engine", "tools") else parts[0]


def report(name, problems):
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'}")
    sys.exit(1 if problems else 0)
