"""NumPy files come in as they are: types, orders, bits, shapes; and bad ones are refused (H14)."""
import io
import os
import pathlib
import struct
import tempfile
import unittest
import zipfile

import tool

tool.need("numpy", "pyarrow")
import numpy as np
import pyarrow as pa

VALUES = [
    np.array([True, False, True]),
    *(np.array([np.iinfo(t).min, 0, np.iinfo(t).max], t)
      for t in ("i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8", "u1", "<u2", ">u2", ">u4", ">u8")),
    np.array([0x7e01, 0xfe55, 0x8000, 1], "<u2").view("<f2"),
    np.array([0x7fc00001, 0x7f800001, 0x80000000, 1], ">u4").view(">f4"),
    np.array([0x7ff8000000000001, 0x7ff0000000000001, 1 << 63, 1], ">u8").view(">f8"),
    np.array([0x7ff8000000000001, 0x7ff0000000000001, 1 << 63, 1], "<u8").view("<f8"),
]
TIMES = [
    ("<M8[s]", pa.timestamp("s"), 1), (">M8[ms]", pa.timestamp("ms"), 1), ("<M8[us]", pa.timestamp("us"), 1),
    ("<M8[ns]", pa.timestamp("ns"), 1), ("<M8[m]", pa.timestamp("s"), 60), ("<M8[h]", pa.timestamp("s"), 3600),
    ("<M8[25s]", pa.timestamp("s"), 25), ("<M8[D]", pa.date32(), 1), ("<M8[W]", pa.date32(), 7),
    ("<m8[us]", pa.duration("us"), 1), (">m8[ns]", pa.duration("ns"), 1), ("<m8[D]", pa.duration("s"), 86400),
]


class Numpy(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.n = 0

    def path(self, name):
        return str(self.dir / name)

    def imported(self, source, *options, stdin=None):
        """The table that an import makes, as tilectl gives it to Arrow."""
        self.n += 1
        store = self.path(f"store{self.n}")
        tool.ok("import", source, store, "--array", "a", *options, stdin=stdin)
        out = tool.ok("export", store, "-", "--array", "a", "--file-format", "arrow")
        return pa.ipc.open_stream(out).read_all()

    def saved(self, array, name="a.npy", version=None):
        with open(self.path(name), "wb") as file:
            np.lib.format.write_array(file, array, version=version, allow_pickle=False)
        return self.path(name)

    def bits(self, column, array):
        """The values buffer equals the array's bytes in the machine's order."""
        raw = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype.byteorder == ">":
            raw = np.ascontiguousarray(array).byteswap()
        got = column.combine_chunks()
        if pa.types.is_boolean(got.type):
            self.assertEqual(got.to_pylist(), array.tolist())
            return
        at = got.offset * got.type.bit_width // 8
        self.assertEqual(got.buffers()[1].to_pybytes()[at:at + raw.nbytes], raw.tobytes())

    def test_every_plain_type_bit_by_bit(self):  # H1
        for array in VALUES:
            with self.subTest(array.dtype.str):
                table = self.imported(self.saved(array))
                self.assertEqual(table.column_names, ["value"])
                self.assertEqual(table.schema.field(0).type, pa.from_numpy_dtype(array.dtype.newbyteorder("<")))
                self.assertEqual(table.column(0).null_count, 0)
                self.bits(table.column(0), array)

    def test_times_and_nat(self):
        for dtype, type_, factor in TIMES:
            with self.subTest(dtype):
                array = np.array([-3, 0, 5, np.iinfo("i8").min], "i8").astype(dtype[0] + "i8").view(dtype)
                column = self.imported(self.saved(array)).column(0)
                self.assertEqual(column.type, type_)
                ints = column.cast(pa.int32() if type_ == pa.date32() else pa.int64()).to_pylist()
                self.assertEqual(ints, [-3 * factor, 0, 5 * factor, None])

    def test_text_and_bytes(self):
        texts = ["", "a", "é😀", "x" * 20]
        for order in "<>":
            column = self.imported(self.saved(np.array(texts).astype(order + "U20"))).column(0)
            self.assertEqual((column.type, column.to_pylist()), (pa.string(), texts))
        column = self.imported(self.saved(np.array([b"", b"a\0b", b"\xff"], "S3"))).column(0)
        self.assertEqual((column.type, column.to_pylist()), (pa.binary(), [b"", b"a\0b", b"\xff"]))
        column = self.imported(self.saved(np.array([b"ab\0", b"\0\0\0"], "V3"))).column(0)
        self.assertEqual((column.type, column.to_pylist()), (pa.binary(3), [b"ab\0", b"\0\0\0"]))

    def test_structured_types_become_columns(self):
        dtype = np.dtype([("id", ">i8"), ("x", "<f4"), ("é", "U4"), ("t", "M8[us]"), ("ok", "?")], align=True)
        array = np.array([(1, 0.5, "a", 7, True), (-2, np.nan, "ü", "NaT", False)], dtype)
        for version in ((2, 0), (3, 0)):
            with self.subTest(version):
                table = self.imported(self.saved(array, version=version) if version[0] == 3 else self.saved(array))
                self.assertEqual(table.column_names, ["id", "x", "é", "t", "ok"])
                self.assertEqual(table["id"].to_pylist(), [1, -2])
                self.assertEqual(table["é"].to_pylist(), ["a", "ü"])
                self.assertEqual(table["t"].null_count, 1)
                self.bits(table["x"], array["x"])

    def test_header_versions_orders_and_ranks(self):
        array = np.arange(12, dtype="<i4").reshape(4, 3)
        for version in ((1, 0), (2, 0), (3, 0)):
            for order in "CF":
                with self.subTest((version, order)):
                    source = self.saved(np.asarray(array, order=order), version=version)
                    table = self.imported(source, "--vectors", "columns")
                    self.assertEqual(table.column_names, ["value_0", "value_1", "value_2"])
                    for i in range(3):
                        self.bits(table.column(i), array[:, i])
        self.assertEqual(self.imported(self.saved(np.array(5.5))).to_pydict(), {"value": [5.5]})
        self.assertEqual(self.imported(self.saved(np.zeros(0, "i8"))).num_rows, 0)

    def test_more_rows_than_a_batch(self):
        array = np.arange(1 << 20, dtype=">i8")
        self.bits(self.imported(self.saved(array)).column(0), array)
        wide = np.random.default_rng(1).random((5000, 257))
        table = self.imported(self.saved(np.asfortranarray(wide)), "--vectors", "columns")
        for i in (0, 100, 256):
            self.bits(table.column(i), wide[:, i])

    def test_pipes(self):
        for array in (np.arange(100000.0), np.array([1, 2], ">u2")):
            data = pathlib.Path(self.saved(array)).read_bytes()
            self.bits(self.imported("-", "--file-format", "npy", stdin=data).column(0), array)
        fortran = pathlib.Path(self.saved(np.asfortranarray(np.ones((100000, 2))))).read_bytes()
        self.refused("cannot be read from a pipe", "-", "--file-format", "npy", "--vectors", "columns", stdin=fortran)
        self.refused("more bytes", "-", "--file-format", "npy", stdin=data + b"x")
        self.refused("cut off", "-", "--file-format", "npy", stdin=data[:-1])

    def test_archives(self):
        columns = {"b": np.arange(100000.0), "a": np.array(["x", "yz"] * 50000), "é": np.arange(100000) % 2 == 0}
        for save in (np.savez, np.savez_compressed):
            with self.subTest(save.__name__):
                save(self.path("a.npz"), **columns)
                table = self.imported(self.path("a.npz"))
                self.assertEqual(table.column_names, ["b", "a", "é"])
                self.bits(table["b"], columns["b"])
                self.assertEqual(table["a"].to_pylist(), columns["a"].tolist())
                self.assertEqual(table["é"].to_pylist(), columns["é"].tolist())
        np.savez(self.path("a.npz"), m=np.arange(6).reshape(3, 2), v=np.arange(3))
        table = self.imported(self.path("a.npz"), "--vectors", "columns")
        self.assertEqual(table.to_pydict(), {"m_0": [0, 2, 4], "m_1": [1, 3, 5], "v": [0, 1, 2]})

    def dense(self, array, *options, stdin=None, name="a.npy"):
        """Into a dense array and out again."""
        self.n += 1
        store = self.path(f"store{self.n}")
        source = "-" if stdin else self.saved(array, name)
        tool.ok("import", source, store, "--array", "a", "--kind", "dense", *options, stdin=stdin)
        out = tool.ok("export", store, "-", "--array", "a", "--file-format", "npy")
        return store, np.load(io.BytesIO(out))

    def test_dense_arrays_of_any_rank_type_and_order(self):
        random = np.random.default_rng(7)
        for shape in [(5,), (3, 4), (2, 3, 4), (2, 1, 3, 2), (1,) * 16]:
            for dtype in ("<f8", ">f4", "<f2", "|b1", ">i2", "u1", "<i8", ">M8[us]", "<m8[ns]", "<M8[D]"):
                for order in "CF":
                    with self.subTest((shape, dtype, order)):
                        if len(shape) != 2 and dtype != "<f8":
                            continue
                        array = np.asarray((random.random(shape) * 3 - 1).astype("<i8").astype(dtype), order=order)
                        back = self.dense(array)[1]
                        self.assertEqual(back.shape, shape)
                        self.assertEqual(back.dtype, array.dtype.newbyteorder("<"))
                        np.testing.assert_array_equal(back, array)

    def test_dense_bits_options_and_boxes(self):
        bits = np.array([[0x7ff8000000000001, 0x7ff0000000000001], [1 << 63, 1]], "<u8")
        store, back = self.dense(bits.view("<f8"), "--dims", "x,y", "--domain", "x=10:11", "--tile", "x=1,y=2")
        self.assertEqual(back.tobytes(), bits.tobytes())
        out = tool.ok("cat", store, "--array", "a", "--box", "x=11,y=1", "--format", "csv")
        self.assertEqual(out, b"x,y,value\r\n11,1,5e-324\r\n")
        out = tool.ok("export", store, "-", "--array", "a", "--file-format", "npy", "--box", "x=11,y=1:")
        self.assertEqual(np.load(io.BytesIO(out)).tolist(), [[5e-324]])
        # The same box again is a new version; the past stays.
        tool.ok("import", self.saved(np.zeros((2, 2))), store, "--array", "a", "--append")
        out = tool.ok("export", store, "-", "--array", "a", "--file-format", "npy")
        self.assertEqual(np.load(io.BytesIO(out)).tolist(), [[0, 0], [0, 0]])
        out = tool.ok("export", store, "-", "--array", "a", "--file-format", "npy", "--version", "2")
        self.assertEqual(np.load(io.BytesIO(out)).tobytes(), bits.tobytes())
        self.refused_in(store, "the axis has 3 positions, the dimension 2", self.saved(np.zeros((3, 2))), "--append")
        nat = np.array(["NaT", 5], "M8[s]")
        np.testing.assert_array_equal(self.dense(nat)[1], nat)
        array = np.array([[(1, 0.5)], [(2, 1.5)]], [("n", ">i4"), ("x", "<f8")])
        store = self.path("fields")
        tool.ok("import", self.saved(array), store, "--array", "a", "--kind", "dense")
        for name in ("n", "x"):
            out = tool.ok("export", store, "-", "--array", "a", "--columns", name, "--file-format", "npy")
            np.testing.assert_array_equal(np.load(io.BytesIO(out)), array[name])

    def test_dense_arrays_larger_than_a_slab(self):
        array = np.arange(3 * 700 * 1100, dtype="<i4").reshape(3, 700, 1100)
        for order in "CF":
            np.testing.assert_array_equal(self.dense(np.asarray(array, order=order))[1], array)
        data = pathlib.Path(self.saved(array)).read_bytes()
        np.testing.assert_array_equal(self.dense(array, "--file-format", "npy", stdin=data)[1], array)

    def refused_in(self, store, text, *words):
        code, _, message = tool.run("import", words[0], store, "--array", "a", *words[1:])
        self.assertEqual((code, text in message), (1, True), message)

    def test_dense_refusals(self):
        self.refused("it has 2 axes, --dims names 1", self.saved(np.zeros((2, 2))), "--kind", "dense", "--dims", "x")
        self.refused("text", self.saved(np.array(["a"])), "--kind", "dense")
        self.refused("has no axis", self.saved(np.array(1.0)), "--kind", "dense")
        self.refused("the dimension 2", self.saved(np.zeros(3)), "--kind", "dense", "--domain", "d0=0:1")
        self.refused("item 1: 2 is not a bool", self.header("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", data=b"\1\2"), "--kind", "dense")

    def test_export_of_rows(self):
        array = np.array([(1, True, 0.5, 5), (-1, False, np.nan, "NaT")],
                         [("i", "<i8"), ("b", "?"), ("f", "<f4"), ("t", "<M8[ns]")])
        store = self.path("rows")
        tool.ok("import", self.saved(array), store, "--array", "a")
        for name in array.dtype.names:
            out = tool.ok("export", store, "-", "--array", "a", "--columns", name, "--file-format", "npy")
            self.assertEqual(np.load(io.BytesIO(out)).tobytes(), array[name].tobytes())
        out = tool.ok("export", store, "-", "--array", "a", "--columns", "i", "--where", "i > 5", "--file-format", "npy")
        self.assertEqual(np.load(io.BytesIO(out)).shape, (0,))
        target = self.path("t.npy")
        for words, code, text in [(("--columns", "i,b"), 2, "one column"), ((), 2, "one column"),
                                  (("--columns", "t", "--times"), 2, "one column"), (("--columns", "x"), 1, "x")]:
            got, _, message = tool.run("export", store, target, "--array", "a", *words)
            self.assertEqual((got, text in message), (code, True), message)
        nulls = self.path("nulls.csv")
        pathlib.Path(nulls).write_text("a,b\n1,x\n,y\n")
        tool.ok("import", nulls, store, "--array", "n")
        for name, text in [("a", "row 1"), ("b", "type")]:
            got, _, message = tool.run("export", store, target, "--array", "n", "--columns", name)
            self.assertEqual((got, text in message), (1, True), message)
        self.assertFalse([name for name in os.listdir(self.dir) if name.startswith("t.npy")])

    def test_export_of_vectors(self):
        """Fixed-size lists become axes, and come back as they went."""
        rng = np.random.default_rng(7)
        for shape, kind in (((5, 3), "<f4"), ((4, 2, 3), "<i2"), ((3, 1), "?"), ((2, 2), "<M8[us]"), ((0, 4), "<f8"),
                            ((3000, 300), "<f4")):
            array = rng.integers(0, 2 if kind == "?" else 100, shape).astype(kind)
            store = self.path(f"vectors{shape}{kind[1:]}".replace("[", "").replace("]", ""))
            tool.ok("import", self.saved(array), store, "--array", "a")
            out = tool.ok("export", store, "-", "--array", "a", "--file-format", "npy")
            got = np.load(io.BytesIO(out))
            self.assertEqual((got.shape, got.dtype), (array.shape, array.dtype))
            self.assertEqual(got.tobytes(), array.tobytes())
            if shape[0]:
                out = tool.ok("export", store, "-", "--array", "a", "--box", "row_id=1:", "--file-format", "npy")
                self.assertEqual(np.load(io.BytesIO(out)).tobytes(), array[1:].tobytes())

    def test_export_of_vectors_with_nulls(self):
        import pyarrow as pa
        kind = pa.list_(pa.list_(pa.int8(), 2), 2)
        rows = {"outer": [[[1, 2], [3, 4]], None], "middle": [[[1, 2], [3, 4]], [None, [1, 2]]],
                "value": [[[1, 2], [3, 4]], [[1, 2], [3, None]]], "list": [[[1, 2]], []]}
        table = pa.table({n: pa.array(v, kind if n != "list" else pa.list_(pa.list_(pa.int8(), 2))) for n, v in rows.items()})
        path = self.path("nulls.arrow")
        with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, table.schema) as out:
            out.write_table(table)
        tool.ok("import", path, self.path("nested"), "--array", "a")
        for name in rows:
            got, _, message = tool.run("export", self.path("nested"), "-", "--array", "a", "--columns", name, "--file-format", "npy")
            self.assertEqual((got, ("type" if name == "list" else "row 1") in message), (1, True), message)

    # ---- refusals ----

    def refused(self, text, source, *options, stdin=None, code=1):
        store = self.path("refused")
        got, _, message = tool.run("import", source, store, "--array", "a", *options, stdin=stdin)
        self.assertEqual(got, code, message)
        self.assertIn(text, message)
        self.assertIn("file " if source != "-" else "", message)
        if os.path.exists(store):  # a failure on the way leaves a store without the array
            self.assertEqual(tool.ok("ls", store, "--format", "ndjson"), b"")

    def written(self, data, name="bad.npy"):
        pathlib.Path(self.path(name)).write_bytes(data)
        return self.path(name)

    def header(self, literal, version=1, data=b""):
        text = literal.encode() + b"\n"
        form = "<H" if version == 1 else "<I"
        return self.written(b"\x93NUMPY" + bytes([version, 0]) + struct.pack(form, len(text)) + text + data)

    def test_refuses_what_cannot_be_stored(self):
        for array, why in [(np.array([1j]), "complex"), (np.array([1], "longdouble"), "long double"),
                           (np.array([1], "M8[M]"), "times"), (np.zeros(2, [("a", [("b", "i4")])]), "records"),
                           (np.array(["2020"], "M8[ps]"), "times")]:
            with self.subTest(array.dtype.str):
                self.refused(why, self.saved(array))
        np.save(self.path("o.npy"), np.array([{}], object), allow_pickle=True)
        self.refused("Python objects", self.path("o.npy"))
        self.refused("row 1: 2 is not a bool", self.header("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", data=b"\1\2"))
        self.refused("is not a character", self.header("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", data=b"\0\xd8\0\0"))
        self.refused("does not fit", self.header("{'descr': '<M8[D]', 'fortran_order': False, 'shape': (1,)}", data=b"\0\0\0\0\1\0\0\0"))
        self.refused("does not fit", self.header("{'descr': '<m8[D]', 'fortran_order': False, 'shape': (1,)}", data=b"\0" * 7 + b"\x7f"))

    def test_refuses_headers_that_lie(self):
        good = "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }"
        self.assertEqual(self.imported(self.header(good, data=b"\1\0\0\0\2\0\0\0")).to_pydict(), {"value": [1, 2]})
        for literal in ["", "{", "{}", "[]", good + "x", good.replace("False", "false"), good.replace("(2,)", "(-2,)"),
                        good.replace("(2,)", "2"), good.replace("(2,)", "(2"), good.replace("'shape'", "'shapes'"),
                        good.replace("'<i4'", "<i4"), good.replace("'<i4'", "'<i3'"), good.replace("'<i4'", "'=i4'"),
                        good.replace("'<i4'", "[]"), good.replace("'<i4'", "[('a', '<i4'), ('a', '<i4')]"),
                        good.replace("'<i4'", "[('', '<i4')]"), good.replace("'<i4'", "'<U99999999'"),
                        good.replace("(2,)", f"({2**62}, {2**62})"), good.replace("(2,)", f"({2**63},)"),
                        good.replace("(2,)", f"({2**60},)"), good.replace("}", "'shape': (2,)}"),
                        good.replace("(2,)", "(" + "1," * 33 + ")"), good.replace("'<i4'", "'<i4")]:
            with self.subTest(literal):
                self.refused("bad.npy", self.header(literal, 1 + len(literal) % 3, b"\1\0\0\0\2\0\0\0"))
        whole = pathlib.Path(self.header(good, data=b"\1\0\0\0\2\0\0\0")).read_bytes()
        for cut in range(0, len(whole), 9):
            self.refused("bad.npy", self.written(whole[:cut]))
        self.refused("more bytes", self.written(whole + b"\0"))
        self.refused("claims", self.written(b"\x93NUMPY\2\0\xff\xff\xff\xff{}"))
        self.refused("version 4.0", self.written(b"\x93NUMPY\4\0" + whole[8:]))

    def test_refuses_archives_that_are_not_whole(self):
        np.savez_compressed(self.path("a.npz"), a=np.arange(1000.0), b=np.arange(1000))
        whole = pathlib.Path(self.path("a.npz")).read_bytes()
        for cut in range(0, len(whole), 211):
            self.refused("bad.npz", self.written(whole[:cut], "bad.npz"))
        for at in range(0, len(whole), 101):  # a flipped bit is found, or is where nothing depends on it
            flipped = bytearray(whole)
            flipped[at] ^= 1
            code, _, message = tool.run("import", self.written(flipped, "bad.npz"), self.path(f"flip{at}"), "--array", "a")
            self.assertIn(code, (0, 1), message)
            if code == 0:
                out = tool.ok("export", self.path(f"flip{at}"), "-", "--array", "a", "--file-format", "arrow")
                table = pa.ipc.open_stream(out).read_all()
                self.assertEqual([c.to_pylist() for c in table.columns], [list(range(1000))] * 2, at)
        np.savez(self.path("a.npz"), a=np.arange(3), b=np.arange(4))
        self.refused("member a has 3 rows, member b has 4", self.path("a.npz"))
        with zipfile.ZipFile(self.path("a.npz"), "w") as archive:
            archive.writestr("readme.txt", "x")
        self.refused("member readme.txt", self.path("a.npz"))
        with zipfile.ZipFile(self.path("a.npz"), "w", zipfile.ZIP_BZIP2) as archive:
            archive.writestr("a.npy", "x" * 1000)
        self.refused("compressed by method 12", self.path("a.npz"))
        with zipfile.ZipFile(self.path("a.npz"), "w"):
            pass
        self.refused("no array", self.path("a.npz"))

    def test_a_bomb_is_bounded(self):
        """1 GiB of zeros in 1 MiB: what it claims decides, and what it claims is held to its shape."""
        header = io.BytesIO()
        np.lib.format.write_array(header, np.zeros(10))
        with zipfile.ZipFile(self.path("a.npz"), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.npy", header.getvalue() + bytes(64 << 20))
        self.refused("more bytes than its shape says", self.path("a.npz"))
        source = self.header("{'descr': '|V65535', 'fortran_order': False, 'shape': (1, 16384)}")
        with open(source, "ab") as file:
            file.truncate(os.path.getsize(source) + 65535 * 16384)
        self.refused("larger than 256 MiB", source)


unittest.main()
