"""Rules of the house that a compiler does not check."""

import re

import tree

MAX_FUNCTION = 60  # lines, braces included
MAX_FILE = 600
MAX_TEST_FILE = 700  # tables of cases are long

# path -> why it may be longer
LONG_FILES = {
    "engine/tegula.h": "the manual",
    "engine/predicate/parse.c": "one grammar",
}

TOP = {"CMakeLists.txt", "CMakePresets.json", "README.md", "CHANGELOG.md", "LICENSE", "dev", "codec",
       "engine", "format-spec", "tools", "bench", "tests", "fuzz"}

LIBRARY = ("codec", "engine")

# What may not be called in the library, and where all the same.
CALLS = [
    (r"(malloc|calloc|realloc|free|strdup|strndup|aligned_alloc|posix_memalign)",
     "memory goes through codec/base/alloc.h", ("codec/base/alloc.c",)),
    (r"qsort(_r)?", "allocates behind the hook: codec/base/sort.h", ()),
    (r"(printf|fprintf|vprintf|vfprintf|puts|putchar|fputs|perror)",
     "a library does not print", ()),
    (r"(abort|exit|_exit|quick_exit|atexit|signal|sigaction|raise)",
     "a library does not end or interrupt its program", ()),
    (r"(time|gettimeofday|clock_gettime|rand|random|srand|getenv)",
     "the clock, chance and the environment are behind engine/os", ("engine/os/",)),
    (r"(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca)", "unbounded, or not safe", ()),
    (r"(setlocale|strtod|strtof|atof)", "differs from locale to locale",
     ("engine/predicate/parse.c",)),
]
CALLS = [(re.compile(rf"(?<![\w.>]){names}\s*\("), why, where) for names, why, where in CALLS]

FEATURES = re.compile(r"#\s*define\s+_(GNU|POSIX|POSIX_C|XOPEN|DEFAULT|BSD|ISOC11)_SOURCE\b")
THREAD_LOCAL = re.compile(r"\b(_Thread_local|__thread|thread_local)\b")
TYPEDEF = re.compile(r"^\s*typedef\s+(struct|union|enum)\b")
PUBLIC = ("engine/tegula.h", "engine/tegula_unstable.h", "codec/base/status.h",
          "codec/base/allocator.h")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|stub|placeholder)\b")
ASSERTION = re.compile(r"cr_assert|cr_expect|_check\(|_fail_each\(|check_|assert_|expect_")
COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_lines(path):
    """The lines of a file with comments and text blanked out."""
    text = "\n".join(tree.lines(path))
    return COMMENT_OR_TEXT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text).splitlines()


def check_library(path):
    for number, line in enumerate(code_lines(path), 1):
        at = f"{path}:{number}:"
        for names, why, where in CALLS:
            called = names.search(line)
            if called and not path.startswith(where or ("none",)):
                yield f"{at} {called[1]}: {why}"
        if FEATURES.search(line) and not path.startswith(("engine/os/", "codec/base/error.c")):
            yield f"{at} feature macros are for engine/os"
        if THREAD_LOCAL.search(line):
            yield f"{at} no state hidden in threads"
        if TYPEDEF.search(line) and path not in PUBLIC:
            yield f"{at} only public types have a typedef"


def check_functions(path):
    start = None
    for number, line in enumerate(tree.lines(path), 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start + 1 > MAX_FUNCTION:
                yield f"{path}:{start}: a function of {number - start + 1} lines"
            start = None


def check_text(path):
    lines = tree.lines(path)
    limit = MAX_TEST_FILE if path.startswith("tests/") else MAX_FILE
    if len(lines) > limit and path not in LONG_FILES:
        yield f"{path}: {len(lines)} lines"
    for number, line in enumerate(lines, 1):
        if UNFINISHED.search(line) and not path.startswith("tests/lint/"):
            yield f"{path}:{number}: unfinished work belongs in CHANGELOG.md"
        if line != line.rstrip():
            yield f"{path}:{number}: blanks at the end"


def asserting_names(text):
    """What a test of this file may call instead of asserting itself: its own macros and functions,
    where they assert."""
    names, found = [ASSERTION.pattern], None
    bodies = re.findall(r"^#define (\w+)\(((?:.*\\\n)*.*)", text, re.M)
    bodies += re.findall(r"^(?:[\w *]+?)\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", text, re.M | re.S)
    while found != len(names):
        found = len(names)
        known = re.compile("|".join(names))
        names += [rf"\b{n}\(" for n, body in bodies if rf"\b{n}\(" not in names and known.search(body)]
    return re.compile("|".join(names))


def check_tests(path):
    """A Criterion test that asserts nothing cannot fail."""
    text = "\n".join(tree.lines(path))
    asserting = asserting_names(text)
    for test in re.finditer(r"^(?:Test|ParameterizedTest|Theory)\(.*?^\}", text, re.M | re.S):
        if not asserting.search(test[0]):
            yield f"{path}:{text.count(chr(10), 0, test.start()) + 1}: a test without an assertion"


def check_top():
    """What lies at the root is there by intent."""
    for entry in sorted(path.name for path in tree.ROOT.iterdir()):
        if entry not in TOP and not entry.startswith((".", "build")):
            yield f"{entry}: does not belong at the root of the tree"


problems = list(check_top())
for source in tree.files(".c", ".h", under=LIBRARY):
    problems += check_library(source)
for source in tree.files(".c", ".h"):
    problems += check_functions(source)
for source in tree.files(".c", ".h", ".cc", ".py", ".sh", ".cmake"):
    problems += check_text(source)
for source in tree.files("_test.c"):
    problems += check_tests(source)
tree.report("rules", problems)
