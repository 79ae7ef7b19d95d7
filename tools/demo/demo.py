"""./dev demo: real flights and weather into a store, corrected, retracted and erased, every answer
still there on both axes of time, and out to Polars.

Each command is printed as it could be typed, then what it says. Everything lies under build/demo.
Exit status 0 means that every value Polars read back has the bits it had in the source.
"""
import datetime
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import nycflights  # noqa: E402

ROOT = nycflights.ROOT
TILECTL = os.environ.get("TEG_TILECTL", str(ROOT / "build" / "release" / "tilectl"))
STORE = "nyc.tegula"
FLEET = "fleet.tegula"
KEY = ["time_hour", "origin"]
STORM = "time_hour='2013-02-12T06:00:00Z':'2013-02-12T10:00:00Z',origin=EWR"


def say(text=""):
    print(text, flush=True)


def heading(text):
    say(f"\n== {text}")


def quoted(word):
    """As a person would type it: double quotes around a word that holds single ones."""
    if "'" in word and not set(word) & set('"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)


def tilectl(*words, to=None):
    """Prints the command, runs it, and shows what it prints; with `to`, keeps that in a file too."""
    say("\n$ tilectl " + " ".join(map(quoted, words)) + (f" | tee {to}" if to else ""))
    done = subprocess.run([TILECTL, *words], check=True, stdout=subprocess.PIPE if to else None)
    if to:
        pathlib.Path(to).write_bytes(done.stdout)
        say(done.stdout.decode().rstrip())


def fetch():
    """The source tables, as Parquet files of their own."""
    say(f"Source: {nycflights.archive().name} from PyPI (CSV; NA is null)")
    for name in ("flights", "weather"):
        table = nycflights.table(name)
        if name == "weather":  # coordinates are never null, and the schema may as well say so
            table = table.select(KEY + [c for c in table.column_names if c not in KEY])
        pq.write_table(table, f"{name}.parquet")
        nulls = sum(table[c].null_count for c in table.column_names)
        say(f"  {name}.parquet: {table.num_rows:,} rows, {table.num_columns} columns, {nulls:,} nulls")


def corrections():
    """Two hours of weather that were recorded wrongly: one gale of 1,048 miles an hour, and one
    missing temperature. Whole cells, as the store keeps them."""
    weather = pq.read_table("weather.parquet")
    gale = pc.greater(pc.fill_null(weather["wind_speed"], 0), 1000)
    blank = pc.is_null(weather["temp"])
    rows = weather.filter(pc.or_(gale, blank)).to_pylist()
    for row in rows:
        if row["temp"] is None:
            row.update(temp=82.04, dewp=66.02, humid=58.31)
        else:
            row.update(wind_speed=10.48361)
        say(f"  {row['time_hour']:%Y-%m-%d %H:%M}Z {row['origin']}: "
            f"wind_speed {row['wind_speed']}, temp {row['temp']}")
    pq.write_table(pa.Table.from_pylist(rows, weather.schema), "corrections.parquet")


def bits(column):
    """Values that compare as they are stored: floats as integers, so NaN and -0.0 count."""
    values = column.drop_nulls()
    if values.dtype.is_float():
        return values.to_numpy().view("i8" if values.dtype == pl.Float64 else "i4").tolist()
    return values.to_list()


def compare(exported, source, by=None):
    """Polars reads both files; every null and every bit must agree."""
    got, want = pl.read_parquet(exported), pl.read_parquet(source)
    if by:
        got, want = got.sort(by), want.sort(by)
    wrong = [name for name in want.columns
             if name not in got.columns or got[name].dtype != want[name].dtype
             or not got[name].is_null().equals(want[name].is_null())
             or bits(got[name]) != bits(want[name])]
    if wrong or got.height != want.height or got.width != want.width:
        sys.exit(f"{exported} differs from {source}: {got.shape} and {want.shape}, columns {wrong}")
    nulls = sum(got[name].null_count() for name in got.columns)
    say(f"  {exported} == {source}: {got.height:,} rows x {got.width} columns, {nulls:,} nulls, every bit")


def corrected():
    """The weather with the corrections put in by Polars: what the store must answer now."""
    weather, new = pl.read_parquet("weather.parquet"), pl.read_parquet("corrections.parquet")
    whole = pl.concat([weather.join(new, on=KEY, how="anti"), new])
    whole.write_parquet("weather-corrected.parquet")


def planes():
    """One row per aircraft with all its flights as a list of structs, and the readings of the gauges
    as facts that hold for an hour. Returns an aircraft with a short list."""
    flights = pl.read_parquet("flights.parquet").sort("time_hour", maintain_order=True)
    fleet = flights.filter(pl.col("tailnum").is_not_null()).group_by("tailnum", maintain_order=True).agg(
        pl.col("distance").sum().alias("miles"),
        pl.struct("time_hour", "origin", "dest", "arr_delay").alias("legs"))
    fleet.write_parquet("fleet.parquet")
    say(f"  fleet.parquet: {fleet.height:,} aircraft, lists of 1 to {fleet['legs'].list.len().max()} structs")
    return fleet.filter(pl.col("legs").list.len() == 2)["tailnum"][0]


def gauges():
    """Rain at each airport: every reading holds for its hour."""
    rain = pl.read_parquet("weather.parquet").select(
        "origin", pl.col("time_hour").alias("from"),
        (pl.col("time_hour") + pl.duration(hours=1)).alias("until"), "precip", "visib")
    rain.unique(["origin", "from"], keep="first", maintain_order=True).write_parquet("rain.parquet")


def now():
    time = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds")
    return time.replace("+00:00", "Z")


def main():
    began = time.monotonic()
    work = ROOT / "build" / "demo"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    os.chdir(work)
    heading("1. Fetch a year of flights and weather at New York's airports")
    fetch()

    heading("2. Import: flights as a table, weather as a sparse array over (time_hour, origin)")
    tilectl("import", "flights.parquet", STORE, "--array", "flights", "--kind", "table")
    tilectl("import", "weather.parquet", STORE, "--array", "weather", "--kind", "sparse",
            "--dims", ",".join(KEY))
    before = now()

    heading("3. Correct a few cells in a second commit")
    corrections()
    tilectl("import", "corrections.parquet", STORE, "--array", "weather", "--append")
    tilectl("info", STORE)
    tilectl("history", STORE)

    heading("4. The same hours, now and as of before the correction; and what the correction changed")
    wanted = ["--columns", "time_hour,origin,wind_speed,temp", "--box", STORM]
    tilectl("cat", STORE, "--array", "weather", *wanted)
    tilectl("cat", STORE, "--array", "weather", *wanted, "--as-of", before)
    tilectl("diff", STORE, "--array", "weather", "--from", before,
            "--columns", "time_hour,origin,wind_speed,temp")

    heading("5. Facts that hold for a time: a reading is retracted for two of its hours")
    gauges()
    tilectl("import", "rain.parquet", STORE, "--array", "rain", "--kind", "sparse", "--dims", "origin",
            "--valid-from", "from", "--valid-until", "until")
    told = now()
    tilectl("delete", STORE, "--array", "rain", "--where", "origin = 'EWR'",
            "--valid-range", "2013-02-11T08:00:00Z/2013-02-11T10:00:00Z")
    point = ["--at", "origin=EWR", "--valid-at", "2013-02-11T09:30:00Z"]
    tilectl("get", STORE, "--array", "rain", *point)
    tilectl("get", STORE, "--array", "rain", *point, "--as-of", told)

    heading("6. Ragged lists: every aircraft with its flights, found by its tail number")
    tail = planes()
    tilectl("import", "fleet.parquet", FLEET, "--array", "fleet", "--kind", "table",
            "--key-column", "tailnum")
    tilectl("get", FLEET, "--array", "fleet", "--at", f"tailnum={tail}")
    tilectl("get", FLEET, "--array", "fleet", "--at", "row_id=4000")
    tilectl("explain", FLEET, "--array", "fleet", "--columns", "miles")

    heading("7. Erase an aircraft, and prove that its number is in no file any more")
    tilectl("export", FLEET, "fleet-before.parquet", "--array", "fleet")
    tilectl("erase", FLEET, "--array", "fleet", "--where", f"tailnum = '{tail}'", "--now",
            to="receipt.json")
    tilectl("proof", FLEET, "receipt.json", "--needle", tail)
    tilectl("get", FLEET, "--array", "fleet", "--at", f"tailnum={tail}")

    heading("8. What a scan does not have to read")
    tilectl("explain", STORE, "--array", "flights", "--where",
            "time_hour >= '2013-07-04T00:00:00Z' and time_hour < '2013-07-05T00:00:00Z' and dep_delay > 60")
    tilectl("explain", STORE, "--array", "weather", "--box", STORM)

    heading("9. Export to Parquet, and let Polars compare every value with the source")
    tilectl("export", STORE, "flights-out.parquet", "--array", "flights")
    tilectl("export", STORE, "weather-out.parquet", "--array", "weather")
    tilectl("export", STORE, "weather-before.parquet", "--array", "weather", "--as-of", before)
    say()
    corrected()
    compare("flights-out.parquet", "flights.parquet")
    compare("fleet-before.parquet", "fleet.parquet")
    compare("weather-before.parquet", "weather.parquet", by=KEY)
    compare("weather-out.parquet", "weather-corrected.parquet", by=KEY)
    say(f"\nDone in {time.monotonic() - began:.1f} s. The store is {work.relative_to(ROOT)}/{STORE}: "
        f"try `tilectl --help`.")


main()
