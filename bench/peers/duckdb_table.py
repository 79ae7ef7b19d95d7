"""DuckDB's own table file, after CHECKPOINT. One thread; answers leave as Arrow batches."""
import os

import duckdb
import numpy as np
import pyarrow as pa

from peers.peer import Peer, Unsupported, presorted


class DuckDB(Peer):
    def __init__(self, name, sorted_first):
        self.name, self.sorted_first = name, sorted_first

    def version(self):
        return duckdb.__version__

    def connect(self, directory, read_only=False):
        return duckdb.connect(os.path.join(directory, "table.duckdb"), read_only=read_only,
                              config={"threads": 1})

    def write(self, work, directory):
        if self.sorted_first and not work.order:
            raise Unsupported
        source = presorted(work) if self.sorted_first else work.table  # named in the query
        with self.connect(directory) as connection:
            connection.execute("create table t as select * from source")
            connection.execute("checkpoint")
        del source

    def open(self, work, directory):
        connection = self.connect(directory, read_only=True)
        # Arrow knows a zone by name; DuckDB would answer in the machine's own.
        connection.execute("set timezone = 'UTC'")
        return connection

    def close(self, handle):
        handle.close()

    def query(self, handle, columns, rest=""):
        names = "*" if columns is None else ", ".join(columns)
        reader = handle.sql(f"select {names} from t {rest}").to_arrow_reader(65536)
        return reader

    def scan(self, handle, columns=None):
        return self.query(handle, columns)

    def box(self, handle, columns, lo, hi):
        return self.query(handle, columns,
                          f"where x between {lo[0]} and {hi[0]} and y between {lo[1]} and {hi[1]}")

    def where(self, handle, columns, column, lo, hi):
        if column == "time_hour":
            lo, hi = (f"make_timestamptz({v}::bigint)" for v in (lo, hi))
        return self.query(handle, columns, f"where {column} between {lo} and {hi}")

    def take(self, handle, rows, columns=None):
        names = "t.*" if columns is None else ", ".join(f"t.{c}" for c in columns)
        wanted = pa.table({"id": np.asarray(rows, np.int64), "at": np.arange(len(rows))})
        handle.register("wanted", wanted)
        if len(rows) == 1:
            return self.query(handle, columns, f"where rowid = {rows[0]}")
        listed = ", ".join(map(str, rows))
        reader = handle.sql(f"select {names} from wanted join t on t.rowid = wanted.id where "
                                f"t.rowid in ({listed}) order by wanted.at").to_arrow_reader(65536)
        return reader

    def appender(self, batch, directory):
        if self.sorted_first:
            raise Unsupported
        connection = self.connect(directory)
        connection.execute("create table t (step bigint, value double)")

        def commit(batch):
            connection.execute("insert into t select * from batch")
        commit.close = connection.close
        return commit

    def read_back(self, directory):
        handle = self.open(None, directory)
        yield from self.query(handle, None)
        handle.close()




PEERS = [DuckDB("duckdb", False), DuckDB("duckdb Hilbert", True)]
