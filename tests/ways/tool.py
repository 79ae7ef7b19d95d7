"""What the tests of this folder share: tilectl, run and asked, and files that compare bit by bit."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import needs  # noqa: E402

TILECTL = os.environ.get("TEG_TILECTL", "build/dev/tilectl")


def need(*modules):
    """Skips the program (77) without them or without tilectl's Parquet module."""
    needs.need(*modules)
    if not pathlib.Path(TILECTL).exists():
        print("skipped: tilectl is not built")
        sys.exit(77)
    done = subprocess.run([TILECTL, "version", "--format", "csv"], capture_output=True, text=True)
    if done.stdout.splitlines()[-1].split(",")[1] != "true":
        print("skipped: tilectl has no Parquet module")
        sys.exit(77)


def run(*words, stdin=None):
    done = subprocess.run([TILECTL, *map(str, words)], input=stdin, capture_output=True)
    return done.returncode, done.stdout, done.stderr.decode()


def ok(*words, stdin=None):
    code, out, message = run(*words, stdin=stdin)
    assert code == 0, f"{words}: {code} {message}"
    return out
