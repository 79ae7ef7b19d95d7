"""A grid in three dimensions, as simulations write them: whole, by planes, by columns, by boxes.

Peers of files in peers/ that have grids say so by a method write_grid; see Peer.
"""
import os

import numpy as np

import harness
from peers import tegula
from peers.peer import Unsupported, bytes_below

SEED = 20130101


def field(side):
    """Waves and a little noise in all bits of a float32."""
    z, y, x = (np.arange(side, dtype=np.float32) for _ in range(3))
    z, y = z[:, None, None], y[None, :, None]
    waves = np.sin(x[None, None, :] / 17) + np.cos(y / 23) * np.sin(z / 31)
    noise = np.random.default_rng(SEED).normal(0, 1e-3, (side, side, side))
    return np.ascontiguousarray(waves * 10 + noise, np.float32)


def questions(side):
    """Label -> corners and the sides of the boxes that begin there."""
    rng = np.random.default_rng(SEED)
    part = max(side // 4, 1)

    def corners(sides):
        return [tuple(int(rng.integers(0, side - n + 1)) for n in sides) for _ in range(20)]

    shapes = {"all of it": (side, side, side), "plane across the slowest axis": (1, side, side),
              "plane across the fastest axis": (side, side, 1), "column of points": (side, 1, 1),
              "box of a 64th": (part, part, part), "one point": (1, 1, 1)}
    return {label: (corners(sides), sides) for label, sides in shapes.items()}


def touch(values):
    values = np.ascontiguousarray(values)
    return tegula.library().glue_sum(values.ctypes.data, values.nbytes)


def measure(run, side):
    """`run`: of run.py. Writes, compares and asks all peers that have grids."""
    grid, handles = field(side), {}
    run.note("grid", "all", "logical MB", grid.nbytes / 1e6)
    for i in range(3):
        for peer in run.peers:
            directory = os.path.join(run.scratch, f"grid-{peer.name}-{i}".replace(" ", "-"))
            os.mkdir(directory)
            watch = harness.Watch()
            try:
                peer.write_grid(grid, directory)
            except Unsupported:
                continue
            run.timings.add("grid", "write", peer.name, *watch.read())
            if i == 2:
                handles[peer] = peer.open_grid(directory)
                size, files = bytes_below(directory)
                run.note("grid", peer.name, "MB", size / 1e6)
                run.note("grid", peer.name, "files", files)
    for label, (corners, sides) in questions(side).items():
        for peer, handle in handles.items():
            want = grid[tuple(slice(at, at + n) for at, n in zip(corners[0], sides))]
            if np.asarray(peer.read_grid(handle, corners[0], sides)).tobytes() != want.tobytes():
                raise SystemExit(f"{peer.name} gives back other cells than were written ({label})")
        harness.interleaved(run.timings, "grid", label, list(handles), run.repeats,
                            lambda p, i: touch(p.read_grid(handles[p], corners[i % len(corners)], sides)))
