"""Prints every row of every array, as JSON, one a line."""

import argparse
import json
import sys

from . import Damaged, Store, Unsupported, current_rows, stored_rows


def line(array, row, valid_from, valid_until, system_until):
    cell = dict(zip((dim.name for dim in array.schema.dims), row.key)) | row.values
    return json.dumps({
        "array": array.name, "cell": cell, "kind": row.kind, "system_from": row.system_from,
        "system_until": system_until, "valid_from": valid_from, "valid_until": valid_until,
    }, default=bytes.hex)


def main():
    parser = argparse.ArgumentParser(prog="reader", description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--current", action="store_true", help="only what answers now")
    options = parser.parse_args()
    try:
        store = Store(options.store)
    except (Damaged, Unsupported) as err:
        print(f"reader: {err}", file=sys.stderr)
        return 4
    for array in store.arrays.values():
        for p in current_rows(array) if options.current else []:
            print(line(array, p.row, p.valid_from, p.valid_until, p.system_until))
        for row, until in [] if options.current else stored_rows(array):
            print(line(array, row, row.valid_from, row.valid_until, until))
    return 0


if __name__ == "__main__":
    sys.exit(main())
