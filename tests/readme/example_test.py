"""The C program in README.md compiles without a warning and does what the README says it prints."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["TEG_BUILD_DIR"])


def is_instrumented():
    """A program built plainly cannot load a library that is built under sanitizers."""
    symbols = subprocess.run(["nm", "-D", BUILD / "libtegula.so"], check=True, capture_output=True, text=True)
    return "__asan" in symbols.stdout or "__tsan" in symbols.stdout


def main():
    if is_instrumented():
        sys.exit(77)
    text = (ROOT / "README.md").read_text()
    source = re.search(r"```c\n(.*?)```", text, re.S).group(1)
    promised = re.search(r"It prints `(.*?)`", text).group(1)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "app.c").write_text(source)
        include = work / "include"
        include.mkdir()
        (include / "tegula").symlink_to(ROOT / "engine")
        (work / "include" / "codec").symlink_to(ROOT / "codec")
        subprocess.run(
            ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{include}", f"-I{ROOT}", "app.c",
             str(BUILD / "libtegula.so"), f"-Wl,-rpath,{BUILD}", "-o", "app"],
            cwd=work, check=True)
        printed = subprocess.run(["./app"], cwd=work, check=True, capture_output=True, text=True)
    if printed.stdout.strip() != promised:
        sys.exit(f"README promises {promised!r}, the program prints {printed.stdout!r}")


main()
