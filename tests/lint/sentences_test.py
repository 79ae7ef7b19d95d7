"""Sentences of format-spec/ have one number each, and whoever cites one cites one that there is."""

import re

import tree

SPEC = [path for path in tree.files(".md", under=("format-spec",)) if "/vectors/" not in path]
problems, known = [], {}

for path in SPEC:
    for number, line in enumerate(tree.lines(path), 1):
        for kind, n in re.findall(r"\*\*([A-Z]+)-(\d+)\*\*", line):
            if (kind, n) in known:
                problems.append(f"{path}:{number}: {kind}-{n} is in {known[kind, n]} too")
            known[kind, n] = path

KINDS = "|".join(sorted({kind for kind, _ in known}))
CITED = re.compile(rf"\b({KINDS})-(\d+)\b")
for path in SPEC + tree.files(".c", ".h", ".cc", ".py", under=(*tree.CODE, "format-spec")):
    for number, line in enumerate(tree.lines(path), 1):
        for kind, n in CITED.findall(line):
            if (kind, n) not in known:
                problems.append(f"{path}:{number}: there is no {kind}-{n}")
tree.report("sentences", problems)
