"""Who may include whom. Arrows point down only: tools, bench -> engine (public) -> codec."""

import re

import tree

PUBLIC = ("engine/tegula.h", "engine/tegula_unstable.h")
PUBLIC_MAY_INCLUDE = PUBLIC + ("codec/base/status.h", "codec/base/allocator.h")
CODEC = ["codec/base", "codec/msgpack", "codec/column", "codec/tile"]
BELOW = ["engine/os", "engine/schema", "engine/order", "engine/time"]
READ = ["engine/store", "engine/predicate", "engine/scan"]

# Module -> modules whose headers it may include, besides its own and the public ones in the engine.
EDGES = {
    "codec/base": [],
    "codec/msgpack": ["codec/base"],
    "codec/column": ["codec/base"],
    "codec/tile": ["codec/base", "codec/msgpack", "codec/column"],
    "engine/os": ["codec/base"],
    "engine/time": ["codec/base"],
    "engine/schema": CODEC,
    "engine/order": ["codec/base", "codec/column", "engine/schema"],
    "engine/arrow": ["codec/base", "codec/column", "engine/schema"],
    "engine/store": CODEC + BELOW,
    "engine/write": CODEC + BELOW + ["engine/store"],
    "engine/predicate": CODEC + BELOW,
    "engine/scan": CODEC + BELOW + ["engine/store", "engine/predicate", "engine/arrow"],
    "engine/compute": CODEC + BELOW + READ + ["engine/arrow"],
    "engine/merge": CODEC + BELOW + READ + ["engine/write"],
    "engine/unique": CODEC + BELOW + READ + ["engine/write", "engine/arrow"],
    "engine/txn": CODEC + BELOW + READ
    + ["engine/write", "engine/arrow", "engine/merge", "engine/unique"],
    "engine/api": CODEC + BELOW + READ
    + ["engine/write", "engine/arrow", "engine/compute", "engine/merge", "engine/unique"],
    "tools/tilectl": ["tools/parquet"],
    "tools/parquet": [],
    "bench": [],
}

# Only engine/os meets the system; the codec is pure.
SYSTEM = re.compile(r"(unistd|fcntl|dirent|time|signal|poll|dlfcn|sys/.*|linux/.*|spawn)\.h$")
THREADS = re.compile(r"(pthread|threads)\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def may_use_system(path):
    return tree.module(path) == "engine/os" or path.split("/")[0] in ("tools", "bench")


def quoted(path, header):
    """What is wrong with a quoted include, or None."""
    mine, theirs = tree.module(path), tree.module(header)
    if not (tree.ROOT / header).exists():
        return "is not written from the root of the tree"
    if path in PUBLIC_MAY_INCLUDE:
        return None if header in PUBLIC_MAY_INCLUDE else "is not public"
    if mine == theirs:
        return None
    if header in PUBLIC:
        return "is above it" if mine.startswith("codec/") else None
    if theirs not in EDGES.get(mine, []):
        return f"belongs to {theirs}, which {mine} may not use"
    return None


def angled(path, header):
    top = path.split("/")[0]
    if SYSTEM.match(header) and not may_use_system(path):
        return "is for engine/os alone"
    if THREADS.match(header) and top == "codec":
        return "has no place in the codec"
    return None


def check(path):
    for number, line in enumerate(tree.lines(path), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        wrong = (quoted if match[1] == '"' else angled)(path, match[2])
        if wrong:
            yield f"{path}:{number}: {match[2]} {wrong}"


def cycles():
    """A module that can reach itself."""

    def reach(start, seen):
        for to in EDGES.get(start, []):
            if to not in seen:
                seen.add(to)
                reach(to, seen)
        return seen

    return [f"{m} can reach itself" for m in EDGES if m in reach(m, set())]


def unknown():
    found = {tree.module(p) for p in tree.files(".c", ".h", under=("codec", "engine"))}
    return [f"{m} is not in the table of layers" for m in sorted(found - set(EDGES))]


problems = cycles() + unknown()
for source in tree.files(".c", ".h", ".cc", under=("codec", "engine", "tools", "bench")):
    problems += check(source)
tree.report("layers", problems)
