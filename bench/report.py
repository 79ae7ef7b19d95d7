"""The result of a run as tables that can be read in a terminal and on a page."""


def duration(seconds):
    for unit, scale in [("s", 1), ("ms", 1e3), ("us", 1e6)]:
        if seconds * scale >= 0.1 or unit == "us":
            return f"{seconds * scale:.3g} {unit}"


def table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    lines = [head, ["-" * w for w in widths], *rows]
    return ["| " + " | ".join(str(c).ljust(w) for c, w in zip(line, widths)) + " |" for line in lines]


def ordered(items):
    return list(dict.fromkeys(items))


def timing_rows(result, workload):
    timings = [t for t in result["timings"] if t["workload"] == workload]
    logical = next((f["value"] for f in result["facts"] if f["workload"] == workload
                    and f["fact"] == "logical MB"), None)
    for question in ordered(t["question"] for t in timings):
        asked = [t for t in timings if t["question"] == question]
        best = min(t["median_s"] for t in asked)
        for t in asked:
            rate = ""
            if logical and question in ("full scan", "write"):
                rate = f"{logical / 1e3 / t['median_s']:.2f} GB/s"
            yield [question, t["peer"], duration(t["median_s"]),
                   f"{duration(t['min_s'])} to {duration(t['max_s'])}",
                   f"{t['median_s'] / best:.1f}x",
                   duration(t["cpu_median_s"]) if t["cpu_median_s"] is not None else "", rate]


def markdown(result):
    machine = result["machine"]
    lines = ["# What was measured", ""]
    if result["small"]:
        lines += ["**A trial run with few rows: these figures say nothing.**", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += [f"- {peer}: {version}" for peer, version in result["versions"].items()]
    lines += [f"- seed: {result['seed']}",
              "- one core; warm page cache; peers in turn, round after round; results compared bit for"
              " bit before timing; every byte of every answer summed; writes synced", ""]
    workloads = ordered([f["workload"] for f in result["facts"]] +
                        [t["workload"] for t in result["timings"]])
    for workload in workloads:
        lines += [f"## {workload}", ""]
        facts = [[f["peer"], f["fact"], f"{f['value']:.4g}"] for f in result["facts"]
                 if f["workload"] == workload]
        lines += table(["peer", "fact", "value"], facts) + [""] if facts else []
        rows = list(timing_rows(result, workload))
        head = ["question", "peer", "median", "lowest to highest", "to best", "processor", "rate"]
        lines += table(head, rows) + [""] if rows else []
    return "\n".join(lines)
