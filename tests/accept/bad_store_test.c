/* A directory that cannot be used as asked: files cut, flipped, foreign or of a later format, of every
 * kind that a store has; what is no store; a disk that is full; a directory that cannot be written.
 * Each is a typed error that names the thing, and the directory holds the same bytes afterwards.
 *
 * Calls with bad arguments are in bad_input_test.c, every bit and every length in damaged_test.c, the
 * same through the command in tests/cli/cases/refused.case. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/support/dir.h"
#include "tests/support/files.h"
#include "tests/support/spec.h"
#include "tests/support/trio.h"
#include "tests/support/world.h"

#define NEWEST "manifests/00000000000000000006"

/* ---- a store on a real disk: inline segments, segment files, a hint, a pin of somebody dead ---- */

static struct test_dir dir;
static char store_path[512], pin_path[OS_PATH_MAX], segment_path[OS_PATH_MAX];
static struct trio want;

static int note_first(void *ctx, const char *name)
{
	char *path = ctx;

	if (!path[0] || strcmp(name, path + strlen("segments/")) < 0)
		snprintf(path, OS_PATH_MAX, "segments/%s", name);
	return 0;
}

static void setup(void)
{
	struct os *os;

	test_dir_make(&dir);
	snprintf(store_path, sizeof store_path, "%s/store", dir.path);
	trio_write(NULL, store_path);
	segment_path[0] = 0;
	snprintf(pin_path, sizeof pin_path, "pins/%032d", 7);
	OK(os_posix_new(store_path, teg_allocator_default(), &os, err));
	OK(os_write_file(os, pin_path, span_of_text("reader 00000000000000000006\n"), err));
	OK(os_list(os, "segments", note_first, segment_path, err));
	os_free(os);
	trio_look(NULL, store_path, &want, "at first");
	cr_assert_eq(want.version, 6, "%s is the newest", NEWEST);
	cr_assert(segment_path[0]);
}

static void teardown(void)
{
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
	test_dir_remove(&dir);
}

static char *full_path(const char *name)
{
	static char path[1024];

	snprintf(path, sizeof path, "%s/%s", store_path, name);
	return path;
}

static void check_error(const teg_error *why, teg_status status, const char *file, const char *word,
                        const char *what)
{
	cr_expect_eq(why->status, status, "%s: %s: %s", what, teg_status_name(why->status),
	             why->message);
	cr_expect_str_eq(why->file, file, "%s: names \"%s\": %s", what, why->file, why->message);
	cr_expect(strstr(why->message, word), "%s: \"%s\" without \"%s\"", what, why->message,
	          word);
}

/* ---- damage of every kind of file ---- */

static size_t cut(uint8_t *bytes, size_t len)
{
	(void)bytes;
	return len / 2;
}

static size_t empty(uint8_t *bytes, size_t len)
{
	(void)bytes;
	(void)len;
	return 0;
}

static size_t lengthen(uint8_t *bytes, size_t len)
{
	bytes[len] = 0; /* the file was read with a byte to spare */
	return len + 1;
}

/* In the last bytes every kind of file has something that is looked at. */
static size_t flip(uint8_t *bytes, size_t len)
{
	bytes[len - 5] ^= 0x10;
	return len;
}

static size_t foreign(uint8_t *bytes, size_t len)
{
	memcpy(bytes, "PAR1PAR1", 8);
	return len;
}

/* The format's number stands behind the magic in all three. */
static size_t later(uint8_t *bytes, size_t len)
{
	bytes[8] = 77;
	bytes[9] = 0;
	return len;
}

#define MARKER "tegula"
#define HINT "manifests/hint"
#define SEGMENT segment_path
#define PIN pin_path
static const struct {
	const char *what;
	const char *file;
	size_t (*damage)(uint8_t *bytes, size_t len); /* NULL: removed */
	teg_status status; /* OK: nothing vouches for such a file, and nothing is lost with it */
	const char *word;
} files[] = {
	{ "a marker cut off", MARKER, cut, TEG_CORRUPT, "26 bytes" },
	{ "an empty marker", MARKER, empty, TEG_CORRUPT, "not a marker" },
	{ "a marker too long", MARKER, lengthen, TEG_CORRUPT, "too long" },
	{ "a flipped bit in the marker", MARKER, flip, TEG_CORRUPT, "checksum" },
	{ "another magic in the marker", MARKER, foreign, TEG_CORRUPT, "not a marker" },
	{ "a marker of a later format", MARKER, later, TEG_UNSUPPORTED, "77" },
	{ "no marker", MARKER, NULL, TEG_CORRUPT, "no marker" },
	{ "a manifest cut off", NEWEST, cut, TEG_CORRUPT, "manifest" },
	{ "an empty manifest", NEWEST, empty, TEG_CORRUPT, "0 bytes" },
	{ "a manifest too long", NEWEST, lengthen, TEG_CORRUPT, "manifest" },
	{ "a flipped bit in the manifest", NEWEST, flip, TEG_CORRUPT, "manifest" },
	{ "another magic in the manifest", NEWEST, foreign, TEG_CORRUPT, "magic" },
	{ "a manifest of a later format", NEWEST, later, TEG_UNSUPPORTED, "77" },
	{ "no manifest", NEWEST, NULL, TEG_CORRUPT, "missing" },
	{ "a segment cut off", SEGMENT, cut, TEG_CORRUPT, "length" },
	{ "an empty segment", SEGMENT, empty, TEG_CORRUPT, "length" },
	{ "a segment too long", SEGMENT, lengthen, TEG_CORRUPT, "length" },
	{ "a flipped bit in the segment", SEGMENT, flip, TEG_CORRUPT, "segment" },
	{ "another magic in the segment", SEGMENT, foreign, TEG_CORRUPT, "magic" },
	{ "a segment of a later format", SEGMENT, later, TEG_UNSUPPORTED, "77" },
	{ "no segment", SEGMENT, NULL, TEG_CORRUPT, "missing" },
	{ "a hint cut off", HINT, cut, TEG_OK, "" },
	{ "an empty hint", HINT, empty, TEG_OK, "" },
	{ "a hint too long", HINT, lengthen, TEG_OK, "" },
	{ "a flipped bit in the hint", HINT, flip, TEG_OK, "" },
	{ "no hint", HINT, NULL, TEG_OK, "" },
	{ "a pin cut off", PIN, cut, TEG_OK, "" },
	{ "an empty pin", PIN, empty, TEG_OK, "" },
	{ "a pin too long", PIN, lengthen, TEG_OK, "" },
	{ "a flipped bit in the pin", PIN, flip, TEG_OK, "" },
	{ "another word in the pin", PIN, foreign, TEG_OK, "" },
};

static void check_damaged(size_t i)
{
	uint64_t before = files_hash_at(store_path);
	struct trio got;
	teg_error why = { 0 };
	teg_status status = trio_try(NULL, store_path, &got, &why);
	teg_store *store;

	if (files[i].status == TEG_OK) {
		cr_expect_eq(status, TEG_OK, "%s: %s", files[i].what, why.message);
		cr_expect(trio_equal(&got, &want), "%s", files[i].what);
	} else {
		check_error(&why, files[i].status, files[i].file, files[i].word, files[i].what);
		if (strcmp(files[i].file, SEGMENT) != 0) {
			status = trio_open(NULL, store_path, NULL, TEG_CREATE_IF_MISSING, &store,
			                   &why);
			check_error(&why, files[i].status, files[i].file, files[i].word,
			            files[i].what);
		}
		status = trio_open(NULL, store_path, NULL, TEG_CREATE_NEW, &store, &why);
		cr_expect_eq(status, TEG_EXISTS, "%s: %s: %s", files[i].what,
		             teg_status_name(status), why.message);
	}
	cr_expect_eq(files_hash_at(store_path), before, "%s: a file is another now", files[i].what);
}

Test(bad_store, every_kind_of_file_damaged_in_every_way, .init = setup, .fini = teardown)
{ /* B4 NE1 */
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char *path = full_path(files[i].file);
		size_t len, new_len;
		uint8_t *good = test_file_read(path, &len), *bytes = malloc(len + 1);

		memcpy(bytes, good, len);
		cr_assert_eq(unlink(path), 0);
		new_len = files[i].damage ? files[i].damage(bytes, len) : 0;
		if (files[i].damage)
			test_file_write(path, bytes, new_len);
		check_damaged(i);
		test_file_write(full_path(files[i].file), good, len);
		free(bytes);
		free(good);
	}
	trio_look(NULL, store_path, &want, "all is back");
}

/* ---- directories that are no store, and creating ---- */

static void check_open(const char *path, teg_create create, teg_status status, const char *word,
                       const char *what)
{
	uint64_t before = files_hash_at(path);
	teg_error why = { 0 };
	teg_store *store;
	teg_status got = trio_open(NULL, path, NULL, create, &store, &why);

	cr_expect_eq(got, status, "%s: %s: %s", what, teg_status_name(got), why.message);
	cr_expect(strstr(why.message, word), "%s: \"%s\" without \"%s\"", what, why.message, word);
	cr_expect_str_eq(why.file, status == TEG_CORRUPT ? "tegula" : path, "%s", what);
	cr_expect_null(store, "%s", what);
	cr_expect_eq(files_hash_at(path), before, "%s: a file is another now", what);
}

Test(bad_store, what_is_no_store_is_not_made_one, .init = setup, .fini = teardown) /* B4 H9 */
{
	char *other = strdup(test_dir_path(&dir, "thesis"));
	char *none = strdup(test_dir_path(&dir, "none"));

	check_open(none, TEG_CREATE_NO, TEG_NOT_FOUND, "no store here", "no directory");
	cr_assert_eq(mkdir(none, 0777), 0);
	check_open(none, TEG_CREATE_NO, TEG_NOT_FOUND, "no store here", "an empty directory");
	cr_assert_eq(mkdir(other, 0777), 0);
	test_file_write(test_dir_path(&dir, "thesis/thesis.tex"), "x", 1);
	check_open(other, TEG_CREATE_NO, TEG_CORRUPT, "thesis.tex", "open another directory");
	check_open(other, TEG_CREATE_IF_MISSING, TEG_CORRUPT, "thesis.tex", "open or make there");
	check_open(other, TEG_CREATE_NEW, TEG_EXISTS, "thesis.tex", "make there");
	check_open(store_path, TEG_CREATE_NEW, TEG_EXISTS, "a store here", "make one over another");
	trio_look(NULL, store_path, &want, "it was not made anew");
	cr_assert_eq(want.n, 1025);
	free(other);
	free(none);
}

Test(bad_store, a_file_is_no_directory, .init = setup, .fini = teardown)
{
	static const teg_create ways[] = { TEG_CREATE_NO, TEG_CREATE_NEW, TEG_CREATE_IF_MISSING };
	char *file = test_dir_path(&dir, "file");

	test_file_write(file, "x", 1);
	for (size_t i = 0; i < 3; i++) {
		teg_error why = { 0 };
		teg_store *store;

		cr_assert_eq(trio_open(NULL, file, NULL, ways[i], &store, &why), TEG_IO, "%s",
		             why.message);
		cr_assert_eq(why.os_errno, ENOTDIR);
		cr_assert_str_eq(why.file, file, "%s", why.message);
	}
}

/* What is left of a store is not taken for a creation that was cut off. */
Test(bad_store, a_store_without_its_marker_is_not_made_anew, .init = setup, .fini = teardown)
{ /* STORE-7 */
	static const char *const gone[] = { NULL, "manifests", "segments" };

	for (size_t i = 0; i < 3; i++) {
		struct test_dir was = dir;
		char command[1200];

		test_dir_make(&dir);
		snprintf(command, sizeof command, "cp -R '%s/store' '%s/store' && rm -rf %s/%s",
		         was.path, dir.path, gone[i] ? test_dir_path(&dir, "store") : "/nowhere",
		         gone[i] ? gone[i] : "");
		cr_assert_eq(system(command), 0);
		cr_assert_eq(unlink(test_dir_path(&dir, "store/tegula")), 0);
		check_open(test_dir_path(&dir, "store"), TEG_CREATE_NEW, TEG_EXISTS,
		           i == 1 ? "segments/" : "manifests/", "make");
		check_open(test_dir_path(&dir, "store"), TEG_CREATE_IF_MISSING, TEG_CORRUPT,
		           "no marker", "open or make");
		test_dir_remove(&dir);
		dir = was;
	}
}

/* ---- a directory that cannot be written ---- */

static teg_status put_more(teg_store *store, teg_error *err)
{
	return trio_put(store, 3000, 20, err);
}

static teg_status put_much(teg_store *store, teg_error *err)
{
	return trio_put(store, 3000, 1000, err);
}

static teg_status delete_some(teg_store *store, teg_error *err)
{
	return trio_delete_from(store, 900, err);
}

static teg_status erase(teg_store *store, teg_error *err)
{
	teg_range box = int_range(0, 50);
	teg_erase what = { .struct_size = sizeof what, .box = &box };
	teg_txn *txn;

	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	return txn_end(txn, teg_txn_erase(txn, "sparse", &what, err), err);
}

static teg_status rename_column(teg_store *store, teg_error *err)
{
	teg_alter change = { .kind = TEG_ALTER_RENAME, .name = "value", .new_name = "worth" };
	teg_txn *txn;

	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	return txn_end(txn, teg_txn_alter(txn, "sparse", &change, 1, err), err);
}

static const struct {
	const char *what;
	teg_status (*call)(teg_store *store, teg_error *err);
} writes[] = {
	{ "put a little", put_more }, { "put much", put_much },   { "delete", delete_some },
	{ "erase", erase },           { "alter", rename_column }, { "compact", trio_compact },
	{ "vacuum", trio_vacuum },
};
#define N_WRITES (sizeof writes / sizeof *writes)

static void close_to_writers(const char *path)
{
	static const char *const names[] = { "", "/manifests", "/segments", "/pins" };
	char at[1024];

	for (size_t i = 0; i < 4; i++) {
		snprintf(at, sizeof at, "%s%s", path, names[i]);
		cr_assert_eq(chmod(at, 0555), 0);
	}
}

Test(bad_store, a_directory_that_cannot_be_written, .init = setup, .fini = teardown) /* S9 */
{
	uint64_t before;
	char *new_path = strdup(test_dir_path(&dir, "new"));
	teg_store *store;
	teg_error why = { 0 };
	struct trio got;

	cr_assert_eq(unlink(full_path(pin_path)), 0);
	before = files_hash_at(store_path);
	close_to_writers(store_path);
	cr_assert_eq(chmod(dir.path, 0555), 0);
	if (geteuid() == 0)
		cr_assert_eq(seteuid(65534), 0);
	for (size_t i = 0; i < N_WRITES; i++) {
		OK(trio_open(NULL, store_path, NULL, TEG_CREATE_NO, &store, err));
		cr_expect_eq(writes[i].call(store, &why), TEG_READ_ONLY, "%s: %s: %s",
		             writes[i].what, teg_status_name(why.status), why.message);
		cr_expect(why.file[0], "%s: %s", writes[i].what, why.message);
		OK(trio_read(store, &got, err));
		cr_expect(trio_equal(&got, &want), "%s", writes[i].what);
		teg_store_close(store);
	}
	cr_expect_eq(trio_open(NULL, new_path, NULL, TEG_CREATE_NEW, &store, &why), TEG_READ_ONLY,
	             "%s", why.message);
	cr_expect_str_eq(why.file, new_path, "%s", why.message);
	cr_expect_eq(files_hash_at(store_path), before);
	free(new_path);
}

/* ---- a full disk ---- */

static struct os *make_disk(void)
{
	struct os *os = os_memory_new(teg_allocator_default(), 5);

	trio_write(os, NULL);
	return os;
}

/* False: there was room enough. */
static bool fails_for_room(struct os *disk, size_t i, uint64_t room)
{
	struct os *os = memory_clone(disk);
	uint64_t before = files_hash(os);
	teg_store *store;
	teg_error why = { 0 };
	teg_status status;
	struct trio got;

	memory_set_room(os, memory_used(os) + room);
	OK(trio_open(os, NULL, NULL, TEG_CREATE_NO, &store, err));
	status = writes[i].call(store, &why);
	if (status != TEG_OK) {
		cr_assert_eq(status, TEG_IO, "%s: %s", writes[i].what, why.message);
		cr_assert_eq(why.os_errno, ENOSPC, "%s: %s", writes[i].what, why.message);
		cr_assert(why.file[0], "%s: %s", writes[i].what, why.message);
		OK(trio_read(store, &got, err));
		cr_assert(trio_equal(&got, &want), "%s: %llu bytes", writes[i].what,
		          (unsigned long long)room);
	}
	teg_store_close(store);
	if (status != TEG_OK) {
		/* Of the arrays that a compaction merges, each is a version: some may have been. */
		cr_assert(files_hash(os) == before || got.version > want.version,
		          "%s: %llu bytes: a file is another now", writes[i].what,
		          (unsigned long long)room);
		memory_set_room(os, UINT64_MAX);
		OK(trio_open(os, NULL, NULL, TEG_CREATE_NO, &store, err));
		OK(writes[i].call(store, err)); /* room was all that it lacked */
		teg_store_close(store);
	}
	os_free(os);
	return status != TEG_OK;
}

Test(bad_store, a_full_disk) /* S9 */
{
	struct os *disk = make_disk();

	trio_look(disk, NULL, &want, "at first");
	for (size_t i = 0; i < N_WRITES; i++) {
		uint64_t room = 0;

		if (writes[i].call == trio_vacuum)
			continue; /* it gives room */
		while (fails_for_room(disk, i, room))
			room += 1 + room / 16;
		cr_assert_gt(room, 100, "%s fails for nothing", writes[i].what);
	}
	os_free(disk);
}

Test(bad_store, no_room_for_a_store) /* S9 */
{
	teg_status status = TEG_IO;
	teg_store *store;

	for (uint64_t room = 0; status != TEG_OK; room++) {
		struct os *os = os_memory_new(teg_allocator_default(), 5);
		teg_error why = { 0 };

		memory_set_room(os, room);
		status = trio_open(os, NULL, NULL, TEG_CREATE_NEW, &store, &why);
		if (status != TEG_OK) {
			cr_assert_eq(why.os_errno, ENOSPC, "%s", why.message);
			memory_set_room(os, UINT64_MAX);
			OK(trio_open(os, NULL, NULL, TEG_CREATE_NEW, &store, err));
		}
		teg_store_close(store);
		os_free(os);
	}
}
