/* One table of behaviour, run over every implementation of an os. */
#include <errno.h>
#include "engine/os/os.h"
#include "engine/os/faulty.h"
#include "engine/os/memory.h"
#include "tests/support/dir.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"

/* 119 bytes */
#define THIRTY "012345678901234567890123456789"
#define LONGEST THIRTY THIRTY THIRTY "01234567890123456789012345678"

static struct os_file *open_ok(struct os *os, const char *path, bool writable)
{
	struct os_file *file = NULL;

	if (writable)
		OK(os_open_writable(os, path, &file, NULL));
	else
		OK(os_open(os, path, &file, NULL));
	return file;
}

static void write_text(struct os *os, const char *path, const char *text)
{
	OK(os_write_file(os, path, span_of_text(text), NULL));
}

static void expect_text(struct os *os, const char *path, const char *text)
{
	uint8_t *bytes;
	size_t len;

	cr_assert_eq(os_read_file(os, path, 1000, os->alloc, &bytes, &len, NULL), TEG_OK);
	cr_assert(span_equal(span_of(bytes, len), span_of_text(text)), "%s holds '%.*s', not '%s'",
	          path, (int)len, (const char *)bytes, text);
	mem_free(os->alloc, bytes, len);
}

static void expect_missing(struct os *os, const char *path)
{
	struct os_stat st;
	teg_error said;

	cr_assert_eq(os_stat(os, path, &st, &said), TEG_NOT_FOUND);
	cr_assert_eq(said.os_errno, ENOENT);
	cr_assert_str_eq(said.file, path);
}

static int count_name(void *ctx, const char *name)
{
	size_t *n = ctx;

	cr_assert(name[0] != '.' && !strchr(name, '/'));
	++*n;
	return 0;
}

static size_t count_names(struct os *os, const char *path)
{
	size_t n = 0;

	OK(os_list(os, path, count_name, &n, NULL));
	return n;
}

/* ---- the table; every case starts with a root that does not exist ---- */

static void makes_its_root(struct os *os)
{
	struct os_file *file;
	size_t n = 0;

	cr_assert_eq(os_create(os, "a", &file, NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_list(os, "", count_name, &n, NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_sync_dir(os, "", NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_make_dir(os, "d", NULL), TEG_NOT_FOUND);
	OK(os_make_dir(os, "", NULL));
	cr_assert_eq(os_make_dir(os, "", NULL), TEG_EXISTS);
	OK(os_sync_dir(os, "", NULL));
	cr_assert_eq(count_names(os, ""), 0);
}

static void appends_and_reads(struct os *os)
{
	struct os_file *file;
	uint64_t size;
	char got[8] = "";

	OK(os_make_dir(os, "", NULL));
	OK(os_create(os, "a", &file, NULL));
	OK(os_write(os, file, "a", span_of_text("one"), NULL));
	OK(os_write(os, file, "a", span_of_text(""), NULL));
	OK(os_write(os, file, "a", span_of_text("two"), NULL));
	OK(os_size(os, file, "a", &size, NULL));
	cr_assert_eq(size, 6);
	OK(os_read(os, file, "a", 2, got, 3, NULL));
	cr_assert_str_eq(got, "etw");
	OK(os_sync(os, file, "a", NULL));
	OK(os_close_written(os, file, "a", NULL));
	file = open_ok(os, "a", true);
	OK(os_write(os, file, "a", span_of_text("!"), NULL));
	os_close(os, file);
	expect_text(os, "a", "onetwo!");
	os_close(os, NULL);
}

/* Maps stay as they are whatever becomes of the file. */
static void maps_files(struct os *os)
{
	struct os_file *file;
	struct os_map *map, *same;

	OK(os_make_dir(os, "", NULL));
	write_text(os, "a", "one two");
	file = open_ok(os, "a", false);
	cr_assert_eq(os_map(os, file, "a", 8, &map, NULL), TEG_IO, "longer than the file");
	cr_assert_null(map);
	cr_assert_eq(os_map(os, file, "a", 0, &map, NULL), TEG_UNSUPPORTED);
	OK(os_map(os, file, "a", 7, &map, NULL));
	same = os_map_share(map);
	os_close(os, file);
	OK(os_unlink(os, "a", NULL));
	os_map_drop(map);
	cr_assert(span_equal(span_of(same->at, same->len), span_of_text("one two")));
	cr_assert_eq((uintptr_t)same->at % 64, 0);
	os_map_drop(same);
	os_map_drop(NULL);
}

static void refuses_to_read_past_the_end(struct os *os)
{
	static const struct {
		uint64_t off;
		size_t len;
		int64_t end;
	} cases[] = {
		{ 0, 4, 3 },
		{ 3, 1, 3 },
		{ 4, 1, 4 },
		{ 1000000, 9, 1000000 },
		{ INT64_MAX, 1, INT64_MAX },
		{ UINT64_MAX, 1, INT64_MAX },
		{ UINT64_MAX - 3, 8, INT64_MAX },
	};
	struct os_file *file;
	char got[16];
	teg_error said;

	OK(os_make_dir(os, "", NULL));
	write_text(os, "a", "abc");
	file = open_ok(os, "a", false);
	OK(os_read(os, file, "a", 3, got, 0, NULL));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cr_assert_eq(os_read(os, file, "a", cases[i].off, got, cases[i].len, &said),
		             TEG_CORRUPT);
		cr_assert_eq(said.offset, cases[i].end, "case %zu: %lld", i,
		             (long long)said.offset);
		cr_assert_str_eq(said.file, "a");
	}
	os_close(os, file);
}

static void opens_only_files_that_are_there(struct os *os)
{
	struct os_file *file;
	teg_error said;

	OK(os_make_dir(os, "", NULL));
	OK(os_make_dir(os, "d", NULL));
	write_text(os, "a", "x");
	cr_assert_eq(os_open(os, "b", &file, &said), TEG_NOT_FOUND);
	cr_assert_str_eq(said.file, "b");
	cr_assert_not_null(strstr(said.message, "cannot open b"));
	cr_assert_eq(os_open(os, "d/b", &file, NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_open(os, "e/b", &file, NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_open_writable(os, "b", &file, NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_open(os, "d", &file, &said), TEG_IO);
	cr_assert_eq(said.os_errno, EISDIR);
	cr_assert_eq(os_open(os, "a/b", &file, &said), TEG_IO);
	cr_assert_eq(said.os_errno, ENOTDIR);
}

static void creates_only_what_is_not_there(struct os *os)
{
	struct os_file *file;

	OK(os_make_dir(os, "", NULL));
	OK(os_make_dir(os, "d", NULL));
	write_text(os, "d/a", "first");
	cr_assert_eq(os_create(os, "d/a", &file, NULL), TEG_EXISTS);
	cr_assert_eq(os_create(os, "d", &file, NULL), TEG_EXISTS);
	cr_assert_eq(os_create(os, "e/a", &file, NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_write_file(os, "d/a", span_of_text("second"), NULL), TEG_EXISTS);
	expect_text(os, "d/a", "first");
}

static void writes_only_where_allowed(struct os *os)
{
	struct os_file *file;
	teg_error said;

	OK(os_make_dir(os, "", NULL));
	write_text(os, "a", "x");
	file = open_ok(os, "a", false);
	cr_assert_eq(os_write(os, file, "a", span_of_text("y"), &said), TEG_IO);
	cr_assert_eq(said.os_errno, EBADF);
	os_close(os, file);
	expect_text(os, "a", "x");
}

static void links_without_replacing(struct os *os)
{
	OK(os_make_dir(os, "", NULL));
	OK(os_make_dir(os, "d", NULL));
	write_text(os, "tmp", "new");
	write_text(os, "d/old", "old");
	cr_assert_eq(os_link(os, "tmp", "d/old", NULL), TEG_EXISTS);
	cr_assert_eq(os_link(os, "tmp", "tmp", NULL), TEG_EXISTS);
	cr_assert_eq(os_link(os, "tmp", "d", NULL), TEG_EXISTS);
	cr_assert_eq(os_link(os, "none", "d/new", NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_link(os, "tmp", "e/new", NULL), TEG_NOT_FOUND);
	expect_text(os, "d/old", "old");
	OK(os_link(os, "tmp", "d/new", NULL));
	expect_text(os, "d/new", "new");
	OK(os_unlink(os, "tmp", NULL));
	expect_text(os, "d/new", "new");
	OK(os_sync_dir(os, "d", NULL));
}

static void renames_and_replaces(struct os *os)
{
	OK(os_make_dir(os, "", NULL));
	OK(os_make_dir(os, "d", NULL));
	write_text(os, "a", "a");
	write_text(os, "d/b", "b");
	cr_assert_eq(os_rename(os, "none", "d/b", NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_rename(os, "a", "e/b", NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_rename(os, "a", "d", NULL), TEG_IO);
	OK(os_rename(os, "a", "d/b", NULL));
	expect_text(os, "d/b", "a");
	expect_missing(os, "a");
	OK(os_rename(os, "d/b", "d/b", NULL));
	OK(os_rename(os, "d/b", "d/c", NULL));
	expect_text(os, "d/c", "a");
	OK(os_link(os, "d/c", "d/e", NULL));
	OK(os_rename(os, "d/c", "d/e", NULL)); /* one file: POSIX keeps both names */
	expect_text(os, "d/c", "a");
	expect_text(os, "d/e", "a");
}

static void removes_files(struct os *os)
{
	struct os_file *file;
	char got[4] = "";
	teg_error said;

	OK(os_make_dir(os, "", NULL));
	OK(os_make_dir(os, "d", NULL));
	write_text(os, "d/a", "old");
	file = open_ok(os, "d/a", false);
	OK(os_unlink(os, "d/a", NULL));
	expect_missing(os, "d/a");
	cr_assert_eq(os_unlink(os, "d/a", NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_unlink(os, "d", &said), TEG_IO);
	cr_assert_eq(said.os_errno, EISDIR);
	write_text(os, "d/a", "new");
	OK(os_read(os, file, "d/a", 0, got, 3, NULL));
	cr_assert_str_eq(got, "old", "an open file outlives its name");
	os_close(os, file);
	expect_text(os, "d/a", "new");
}

static void makes_directories(struct os *os)
{
	OK(os_make_dir(os, "", NULL));
	OK(os_make_dir(os, "d", NULL));
	cr_assert_eq(os_make_dir(os, "d", NULL), TEG_EXISTS);
	OK(os_make_dir(os, "d/e", NULL));
	cr_assert_eq(os_make_dir(os, "x/e", NULL), TEG_NOT_FOUND);
	write_text(os, "d/e/a", "deep");
	cr_assert_eq(os_make_dir(os, "d/e/a", NULL), TEG_EXISTS);
	expect_text(os, "d/e/a", "deep");
	OK(os_sync_dir(os, "d/e", NULL));
	cr_assert_eq(os_sync_dir(os, "x", NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_sync_dir(os, "d/e/a", NULL), TEG_IO);
}

static int stop_at_once(void *ctx, const char *name)
{
	count_name(ctx, name);
	return 1;
}

static int remove_it(void *ctx, const char *name)
{
	char path[OS_PATH_MAX] = "d/";

	OK(os_unlink(ctx, strcat(path, name), NULL));
	return 0;
}

static void lists_names(struct os *os)
{
	size_t n = 0;

	OK(os_make_dir(os, "", NULL));
	OK(os_make_dir(os, "d", NULL));
	OK(os_make_dir(os, "d/e", NULL));
	OK(os_make_dir(os, "dd", NULL));
	write_text(os, "d/e/deep", "");
	write_text(os, "d/e/deeper", "");
	cr_assert_eq(count_names(os, ""), 2);
	cr_assert_eq(count_names(os, "d"), 1);
	cr_assert_eq(count_names(os, "d/e"), 2);
	cr_assert_eq(count_names(os, "dd"), 0);
	OK(os_list(os, "d/e", stop_at_once, &n, NULL));
	cr_assert_eq(n, 1);
	cr_assert_eq(os_list(os, "x", count_name, &n, NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_list(os, "d/e/deep", count_name, &n, NULL), TEG_IO);
	OK(os_unlink(os, "d/e/deep", NULL));
	OK(os_rename(os, "d/e/deeper", "d/moved", NULL));
	cr_assert_eq(count_names(os, "d"), 2);
}

static void lists_while_it_changes(struct os *os)
{
	OK(os_make_dir(os, "", NULL));
	OK(os_make_dir(os, "d", NULL));
	write_text(os, "d/a", "");
	write_text(os, "d/b", "");
	write_text(os, "d/c", "");
	OK(os_list(os, "d", remove_it, os, NULL));
	cr_assert_eq(count_names(os, "d"), 0);
}

static void looks_up(struct os *os)
{
	struct os_stat st;
	int64_t before = os_clock_us(os);

	OK(os_make_dir(os, "", NULL));
	OK(os_make_dir(os, "d", NULL));
	write_text(os, "d/a", "12345");
	OK(os_stat(os, "d/a", &st, NULL));
	cr_assert_eq(st.size, 5);
	/* A file system's clock may tick slower than the one we read. */
	cr_assert_geq(st.mtime_us, before - 1000000);
	cr_assert_leq(st.mtime_us, os_clock_us(os) + 1000000);
	OK(os_stat(os, "d", &st, NULL));
	cr_assert_eq(st.size, 0);
	OK(os_stat(os, "", &st, NULL));
	expect_missing(os, "d/b");
	expect_missing(os, "e/b");
}

static void locks_between_handles(struct os *os)
{
	struct os_file *a, *b, *reader;
	teg_error said;

	OK(os_make_dir(os, "", NULL));
	write_text(os, "l", "");
	a = open_ok(os, "l", true);
	b = open_ok(os, "l", true);
	reader = open_ok(os, "l", false);
	OK(os_lock(os, a, "l", OS_LOCK_EXCLUSIVE, NULL));
	OK(os_lock(os, a, "l", OS_LOCK_EXCLUSIVE, NULL)); /* its own */
	cr_assert_eq(os_lock(os, b, "l", OS_LOCK_EXCLUSIVE, &said), TEG_CONFLICT);
	cr_assert_str_eq(said.file, "l");
	cr_assert_eq(os_lock(os, b, "l", OS_LOCK_SHARED, NULL), TEG_CONFLICT);
	cr_assert_eq(os_lock(os, reader, "l", OS_LOCK_SHARED, NULL), TEG_CONFLICT);
	OK(os_lock(os, b, "l", OS_LOCK_NONE, NULL)); /* not its own to give back */
	cr_assert_eq(os_lock(os, b, "l", OS_LOCK_SHARED, NULL), TEG_CONFLICT);
	OK(os_lock(os, a, "l", OS_LOCK_SHARED, NULL));
	OK(os_lock(os, reader, "l", OS_LOCK_SHARED, NULL));
	cr_assert_eq(os_lock(os, a, "l", OS_LOCK_EXCLUSIVE, NULL), TEG_CONFLICT);
	cr_assert_eq(os_lock(os, reader, "l", OS_LOCK_EXCLUSIVE, &said), TEG_IO);
	cr_assert_eq(said.os_errno, EBADF);
	os_close(os, reader); /* gives its lock back */
	OK(os_lock(os, a, "l", OS_LOCK_EXCLUSIVE, NULL));
	os_close(os, a);
	OK(os_lock(os, b, "l", OS_LOCK_EXCLUSIVE, NULL));
	os_close(os, b);
}

static void refuses_strange_paths(struct os *os)
{
	static const char *const paths[] = {
		"/",    "/a",       "a/",    "a//b", ".", "..",  "../a",
		"a/..", "a/../b",   "a/./b", "./a",  "A", "a b", "a\\b",
		"a\nb", "\xc3\xa4", "a\x7f", "d/..", "*", "~",   LONGEST "x",
	};
	struct os_file *file;
	struct os_stat st;
	size_t n = 0;
	teg_error said;

	OK(os_make_dir(os, "", NULL));
	write_text(os, "good", "");
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		const char *path = paths[i];

		cr_assert_eq(os_open(os, path, &file, &said), TEG_MISUSE, "'%s'", path);
		cr_assert_eq(os_open_writable(os, path, &file, NULL), TEG_MISUSE);
		cr_assert_eq(os_create(os, path, &file, NULL), TEG_MISUSE);
		cr_assert_eq(os_link(os, path, "x", NULL), TEG_MISUSE);
		cr_assert_eq(os_link(os, "good", path, NULL), TEG_MISUSE);
		cr_assert_eq(os_rename(os, path, "x", NULL), TEG_MISUSE);
		cr_assert_eq(os_rename(os, "good", path, NULL), TEG_MISUSE);
		cr_assert_eq(os_unlink(os, path, NULL), TEG_MISUSE);
		cr_assert_eq(os_make_dir(os, path, NULL), TEG_MISUSE);
		cr_assert_eq(os_sync_dir(os, path, NULL), TEG_MISUSE);
		cr_assert_eq(os_list(os, path, count_name, &n, NULL), TEG_MISUSE);
		cr_assert_eq(os_stat(os, path, &st, NULL), TEG_MISUSE);
	}
	cr_assert_eq(os_open(os, "", &file, NULL), TEG_MISUSE);
	cr_assert_eq(os_create(os, "", &file, NULL), TEG_MISUSE);
	cr_assert_eq(os_unlink(os, "", NULL), TEG_MISUSE);
	cr_assert_eq(os_rename(os, "good", "", NULL), TEG_MISUSE);
	cr_assert_eq(count_names(os, ""), 1);
}

static void takes_the_paths_it_says(struct os *os)
{
	static const char longest[] = LONGEST;

	OK(os_make_dir(os, "", NULL));
	cr_assert_eq(sizeof longest, OS_PATH_MAX);
	write_text(os, longest, "long");
	expect_text(os, longest, "long");
	write_text(os, ".a", "1");
	write_text(os, "...", "2");
	write_text(os, "a_b-c.9..tmp", "3");
	expect_text(os, "...", "2");
}

static void reads_and_writes_whole_files(struct os *os)
{
	uint8_t *bytes;
	size_t len;
	teg_error said;

	OK(os_make_dir(os, "", NULL));
	write_text(os, "empty", "");
	expect_text(os, "empty", "");
	write_text(os, "ten", "0123456789");
	expect_text(os, "ten", "0123456789");
	OK(os_read_file(os, "ten", 10, os->alloc, &bytes, &len, NULL));
	mem_free(os->alloc, bytes, len);
	cr_assert_eq(os_read_file(os, "ten", 9, os->alloc, &bytes, &len, &said), TEG_LIMIT);
	cr_assert_str_eq(said.file, "ten");
	cr_assert_eq(os_read_file(os, "none", 9, os->alloc, &bytes, &len, NULL), TEG_NOT_FOUND);
}

static void counts_what_it_does(struct os *os)
{
	OK(os_make_dir(os, "", NULL));
	write_text(os, "a", "12345");
	OK(os_sync_dir(os, "", NULL));
	expect_text(os, "a", "12345");
	cr_assert_eq(os->n_opens, 2);
	cr_assert_eq(os->n_writes, 1);
	cr_assert_eq(os->n_written_bytes, 5);
	cr_assert_eq(os->n_syncs, 2);
	cr_assert_eq(os->n_reads, 1);
	cr_assert_eq(os->n_read_bytes, 5);
}

static void gives_random_bytes(struct os *os)
{
	uint8_t a[1000], b[1000];

	OK(os_random(os, a, sizeof a, NULL));
	OK(os_random(os, b, sizeof b, NULL));
	cr_assert(memcmp(a, b, sizeof a));
	cr_assert(memcmp(a, a + 500, 500));
	OK(os_random(os, a, 0, NULL));
}

static const struct {
	const char *name;
	void (*run)(struct os *os);
} cases[] = {
	{ "makes its root", makes_its_root },
	{ "appends and reads", appends_and_reads },
	{ "maps files", maps_files },
	{ "refuses to read past the end", refuses_to_read_past_the_end },
	{ "opens only files that are there", opens_only_files_that_are_there },
	{ "creates only what is not there", creates_only_what_is_not_there },
	{ "writes only where allowed", writes_only_where_allowed },
	{ "links without replacing", links_without_replacing },
	{ "renames and replaces", renames_and_replaces },
	{ "removes files", removes_files },
	{ "makes directories", makes_directories },
	{ "lists names", lists_names },
	{ "lists while it changes", lists_while_it_changes },
	{ "looks up", looks_up },
	{ "locks between handles", locks_between_handles },
	{ "refuses strange paths", refuses_strange_paths },
	{ "takes the paths it says", takes_the_paths_it_says },
	{ "reads and writes whole files", reads_and_writes_whole_files },
	{ "counts what it does", counts_what_it_does },
	{ "gives random bytes", gives_random_bytes },
};

#define N_CASES (sizeof cases / sizeof *cases)

Test(os, posix)
{
	for (size_t i = 0; i < N_CASES; i++) {
		struct memory mem;
		struct test_dir dir;
		struct os *os;

		cr_log_info("%s", cases[i].name);
		memory_init(&mem);
		test_dir_make(&dir);
		OK(os_posix_new(test_dir_path(&dir, "store"), &mem.alloc, &os, NULL));
		cases[i].run(os);
		os_free(os);
		test_dir_remove(&dir);
		memory_check(&mem);
	}
}

Test(os, memory)
{
	for (size_t i = 0; i < N_CASES; i++) {
		struct memory mem;
		struct os *os;

		cr_log_info("%s", cases[i].name);
		memory_init(&mem);
		os = os_memory_new(&mem.alloc, 7);
		cases[i].run(os);
		os_free(os);
		os_free(NULL);
		memory_check(&mem);
	}
}

/* A wrapper that was given no failure changes nothing. */
Test(os, faulty)
{
	for (size_t i = 0; i < N_CASES; i++) {
		struct memory mem;
		struct os *disk, *os;

		cr_log_info("%s", cases[i].name);
		memory_init(&mem);
		disk = os_memory_new(&mem.alloc, 7);
		os = os_faulty_new(disk, &mem.alloc);
		cases[i].run(os);
		os_free(os);
		os_free(disk);
		memory_check(&mem);
	}
}
