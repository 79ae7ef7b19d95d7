/* What a power cut leaves, and the other ways in which a test can treat a disk badly. */
#include "engine/os/memory.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#define NONE UINT64_C(0)
#define ALL UINT64_MAX

static struct memory mem;
static struct os *os;

static void setup(void)
{
	memory_init(&mem);
	os = os_memory_new(&mem.alloc, 1);
	OK(os_make_dir(os, "", NULL));
	OK(os_make_dir(os, "d", NULL));
	OK(os_sync_dir(os, "", NULL));
}

static void teardown(void)
{
	os_free(os);
	memory_check(&mem);
}

static void write_unsynced(const char *path, const char *text)
{
	struct os_file *file;
	teg_status status = os_open_writable(os, path, &file, NULL);

	if (status)
		OK(os_create(os, path, &file, NULL));
	OK(os_write(os, file, path, span_of_text(text), NULL));
	os_close(os, file);
}

static void write_synced(const char *path, const char *text)
{
	OK(os_write_file(os, path, span_of_text(text), NULL));
}

static void write_durable(const char *path, const char *text)
{
	write_synced(path, text);
	OK(os_sync_dir(os, "d", NULL));
	OK(os_sync_dir(os, "", NULL));
}

/* The text of a file; "-" where it is missing. */
static const char *text_of(struct os *in, const char *path)
{
	static char text[100];
	uint8_t *bytes;
	size_t len;
	teg_status status = os_read_file(in, path, 99, &mem.alloc, &bytes, &len, NULL);

	if (status == TEG_NOT_FOUND)
		return "-";
	OK(status);
	memcpy(text, bytes, len);
	text[len] = 0;
	mem_free(&mem.alloc, bytes, len);
	return text;
}

static bool is(const char *path, const char *text)
{
	return !strcmp(text_of(os, path), text);
}

/* ---- power cuts ---- */

static void nothing(void)
{
}

static void write_only(void)
{
	write_unsynced("d/a", "abc");
}

static void write_and_sync(void)
{
	write_synced("d/a", "abc");
}

static void write_sync_and_sync_dir(void)
{
	write_durable("d/a", "abc");
}

static void sync_the_wrong_dir(void)
{
	write_synced("d/a", "abc");
	OK(os_sync_dir(os, "", NULL));
}

static void durable_then_append(void)
{
	write_durable("d/a", "abc");
	write_unsynced("d/a", "def");
}

static void durable_name_without_contents(void)
{
	write_unsynced("d/a", "abc");
	OK(os_sync_dir(os, "d", NULL));
}

static void rename_to_new_name(void)
{
	write_durable("d/b", "abc");
	OK(os_rename(os, "d/b", "d/a", NULL));
}

static void rename_over(void)
{
	write_durable("d/a", "old");
	write_durable("d/b", "abc");
	OK(os_rename(os, "d/b", "d/a", NULL));
}

static void rename_over_and_sync(void)
{
	rename_over();
	OK(os_sync_dir(os, "d", NULL));
}

static void link_name(void)
{
	write_durable("d/b", "abc");
	OK(os_link(os, "d/b", "d/a", NULL));
}

static void link_and_sync(void)
{
	link_name();
	OK(os_sync_dir(os, "d", NULL));
	OK(os_unlink(os, "d/b", NULL));
}

static void unlink_name(void)
{
	write_durable("d/a", "abc");
	OK(os_unlink(os, "d/a", NULL));
}

static void unlink_and_sync(void)
{
	unlink_name();
	OK(os_sync_dir(os, "d", NULL));
}

static void replace_by_hand(void)
{
	write_durable("d/a", "old");
	OK(os_unlink(os, "d/a", NULL));
	write_synced("d/a", "abc");
}

static void new_directory(void)
{
	OK(os_make_dir(os, "e", NULL));
	write_synced("e/a", "abc");
	OK(os_sync_dir(os, "e", NULL));
}

static void new_directory_and_sync(void)
{
	new_directory();
	OK(os_sync_dir(os, "", NULL));
}

static const struct {
	const char *name;
	void (*act)(void);
	const char *path, *now, *none, *all;
} cuts[] = {
	{ "nothing", nothing, "d/a", "-", "-", "-" },
	{ "write", write_only, "d/a", "abc", "-", "abc" },
	{ "write, sync", write_and_sync, "d/a", "abc", "-", "abc" },
	{ "write, sync, sync dir", write_sync_and_sync_dir, "d/a", "abc", "abc", "abc" },
	{ "the wrong dir", sync_the_wrong_dir, "d/a", "abc", "-", "abc" },
	{ "append", durable_then_append, "d/a", "abcdef", "abc", "abcdef" },
	{ "write, sync dir", durable_name_without_contents, "d/a", "abc", "", "abc" },
	{ "rename", rename_to_new_name, "d/a", "abc", "-", "abc" },
	{ "rename, the old name", rename_to_new_name, "d/b", "-", "abc", "-" },
	{ "rename over", rename_over, "d/a", "abc", "old", "abc" },
	{ "rename over, sync dir", rename_over_and_sync, "d/a", "abc", "abc", "abc" },
	{ "link", link_name, "d/a", "abc", "-", "abc" },
	{ "link, sync dir, unlink", link_and_sync, "d/a", "abc", "abc", "abc" },
	{ "and the first name", link_and_sync, "d/b", "-", "abc", "-" },
	{ "unlink", unlink_name, "d/a", "-", "abc", "-" },
	{ "unlink, sync dir", unlink_and_sync, "d/a", "-", "-", "-" },
	{ "unlink, create", replace_by_hand, "d/a", "abc", "old", "abc" },
	{ "new directory", new_directory, "e/a", "abc", "-", "abc" },
	{ "new directory, sync", new_directory_and_sync, "e/a", "abc", "abc", "abc" },
};

Test(memory, keeps_what_was_synced)
{
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		for (int keep = 0; keep < 2; keep++) {
			setup();
			cuts[i].act();
			cr_assert(is(cuts[i].path, cuts[i].now), "%s", cuts[i].name);
			memory_power_cut(os, keep ? ALL : NONE);
			cr_assert(is(cuts[i].path, keep ? cuts[i].all : cuts[i].none),
			          "%s, %s kept: '%s'", cuts[i].name, keep ? "all" : "nothing",
			          text_of(os, cuts[i].path));
			/* What is left is what the next cut leaves too. */
			memory_power_cut(os, NONE);
			cr_assert(is(cuts[i].path, keep ? cuts[i].all : cuts[i].none), "%s again",
			          cuts[i].name);
			teardown();
		}
	}
}

/* A bit per change, in order, then two per file. */
static const struct {
	const char *name;
	void (*act)(void);
	uint64_t keep;
	const char *a, *b;
} masks[] = {
	{ "rename is one change", rename_to_new_name, 1, "abc", "-" },
	{ "or none", rename_to_new_name, 0, "-", "abc" },
	{ "unlink without the link before it", link_and_sync, 1, "abc", "-" },
	{ "removed only", replace_by_hand, 1, "-", "-" },
	{ "created only", replace_by_hand, 2, "abc", "-" },
	{ "name without contents", write_only, 1, "", "-" },
	{ "contents without name", write_only, 6, "-", "-" },
	{ "both", write_only, 7, "abc", "-" },
	{ "tail gone", durable_then_append, 0, "abc", "-" },
	{ "tail whole", durable_then_append, 3, "abcdef", "-" },
	{ "tail of zeros, seen as text", durable_then_append, 2, "abc", "-" },
};

Test(memory, keeps_what_the_mask_says)
{
	for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
		setup();
		masks[i].act();
		memory_power_cut(os, masks[i].keep);
		cr_assert(is("d/a", masks[i].a), "%s: '%s'", masks[i].name, text_of(os, "d/a"));
		cr_assert(is("d/b", masks[i].b), "%s: '%s'", masks[i].name, text_of(os, "d/b"));
		teardown();
	}
}

Test(memory, leaves_zeros_of_full_length, .init = setup, .fini = teardown)
{
	uint8_t *bytes;
	size_t len;

	durable_then_append();
	memory_power_cut(os, 2);
	OK(os_read_file(os, "d/a", 10, &mem.alloc, &bytes, &len, NULL));
	cr_assert(span_equal(span_of(bytes, len), span_of("abc\0\0\0", 6)));
	mem_free(&mem.alloc, bytes, len);
}

Test(memory, tears_tails_anywhere, .init = setup, .fini = teardown)
{
	bool seen[7] = { false };

	durable_then_append();
	for (uint64_t keep = 1; keep < 4000; keep += 4) { /* low bit only: torn */
		struct os *clone = memory_clone(os);
		struct os_stat st;

		memory_power_cut(clone, keep);
		OK(os_stat(clone, "d/a", &st, NULL));
		cr_assert(st.size >= 3 && st.size < 6);
		cr_assert(!strncmp(text_of(clone, "d/a"), "abcdef", st.size));
		seen[st.size] = true;
		os_free(clone);
	}
	cr_assert(seen[3] && seen[4] && seen[5]);
}

/* How many of the files with odd numbers from 64 on are left. */
static size_t count_late_odd(uint64_t keep)
{
	struct os *clone = memory_clone(os);
	size_t n = 0;

	memory_power_cut(clone, keep);
	for (int i = 65; i < 200; i += 2) {
		char path[16];

		snprintf(path, sizeof path, "d/%d", i);
		n += !strcmp(text_of(clone, path), "x");
	}
	os_free(clone);
	return n;
}

/* More changes than the mask has bits: the rest must vary too, not repeat the mask. */
Test(memory, chooses_beyond_64_changes, .init = setup, .fini = teardown)
{
	size_t n;

	for (int i = 0; i < 200; i++) {
		char path[16];

		snprintf(path, sizeof path, "d/%d", i);
		write_synced(path, "x");
	}
	n = count_late_odd(0x5555555555555555u);
	cr_assert(n > 15 && n < 53, "%zu of 68", n);
	cr_assert_eq(count_late_odd(0x5555555555555555u), n);
	cr_assert_eq(count_late_odd(NONE), 0);
	cr_assert_eq(count_late_odd(ALL), 68);
}

Test(memory, loses_what_a_lost_directory_held, .init = setup, .fini = teardown)
{
	struct os_stat st;

	new_directory();
	memory_power_cut(os, NONE);
	cr_assert_eq(os_stat(os, "e", &st, NULL), TEG_NOT_FOUND);
	OK(os_make_dir(os, "e", NULL));
	cr_assert_eq(os_stat(os, "e/a", &st, NULL), TEG_NOT_FOUND);
}

Test(memory, loses_a_root_that_was_never_synced)
{
	struct os_stat st;

	memory_init(&mem);
	os = os_memory_new(&mem.alloc, 1);
	OK(os_make_dir(os, "", NULL));
	OK(os_make_dir(os, "d", NULL));
	OK(os_sync_dir(os, "d", NULL));
	memory_power_cut(os, NONE);
	cr_assert_eq(os_stat(os, "", &st, NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_stat(os, "d", &st, NULL), TEG_NOT_FOUND);
	OK(os_make_dir(os, "", NULL));
	teardown();
}

/* ---- room, permissions, damage ---- */

Test(memory, fills_up, .init = setup, .fini = teardown) /* S9 */
{
	struct os_file *file;
	uint64_t size;
	teg_error said;

	write_durable("d/old", "12345");
	cr_assert_eq(memory_used(os), 5);
	memory_set_room(os, 8);
	OK(os_create(os, "d/a", &file, NULL));
	cr_assert_eq(os_write(os, file, "d/a", span_of_text("6789"), &said), TEG_IO);
	cr_assert_eq(said.os_errno, ENOSPC);
	OK(os_size(os, file, "d/a", &size, NULL));
	cr_assert_eq(size, 3, "what fits is written");
	cr_assert_eq(os_write_file(os, "d/b", span_of_text("1"), NULL), TEG_IO);
	cr_assert(is("d/b", "-"));
	OK(os_unlink(os, "d/a", NULL));
	cr_assert_eq(os_write_file(os, "d/b", span_of_text("1"), NULL),
	             TEG_IO); /* it is still open */
	os_close(os, file);
	OK(os_link(os, "d/old", "d/older", NULL)); /* names take no room, nor do second ones */
	write_synced("d/b", "678");
	cr_assert_eq(os_write_file(os, "d/c", span_of_text("9"), NULL), TEG_IO);
	cr_assert_eq(memory_used(os), 8);
	memory_set_room(os, UINT64_MAX);
	write_synced("d/c", "9");
}

Test(memory, becomes_read_only, .init = setup, .fini = teardown)
{
	struct os_file *file, *other;
	teg_error said;

	write_durable("d/a", "abc");
	OK(os_open_writable(os, "d/a", &file, NULL));
	memory_set_read_only(os, true);
	cr_assert(is("d/a", "abc"));
	cr_assert_eq(os_write(os, file, "d/a", span_of_text("d"), &said), TEG_READ_ONLY);
	cr_assert_eq(said.os_errno, EROFS);
	cr_assert_eq(os_open_writable(os, "d/a", &other, NULL), TEG_READ_ONLY);
	cr_assert_eq(os_create(os, "d/b", &other, NULL), TEG_READ_ONLY);
	cr_assert_eq(os_create(os, "d/a", &other, NULL), TEG_EXISTS);
	cr_assert_eq(os_link(os, "d/a", "d/b", NULL), TEG_READ_ONLY);
	cr_assert_eq(os_rename(os, "d/a", "d/b", NULL), TEG_READ_ONLY);
	cr_assert_eq(os_unlink(os, "d/a", NULL), TEG_READ_ONLY);
	cr_assert_eq(os_make_dir(os, "e", NULL), TEG_READ_ONLY);
	cr_assert_eq(os_make_dir(os, "", NULL), TEG_EXISTS);
	OK(os_sync_dir(os, "d", NULL));
	memory_set_read_only(os, false);
	OK(os_write(os, file, "d/a", span_of_text("d"), NULL));
	os_close(os, file);
	cr_assert(is("d/a", "abcd"));
}

Test(memory, flips_and_cuts_for_good, .init = setup, .fini = teardown)
{
	write_durable("d/a", "abc");
	cr_assert(memory_flip(os, "d/a", 1, 0));
	cr_assert(is("d/a", "acc"));
	memory_power_cut(os, NONE);
	cr_assert(is("d/a", "acc"));
	cr_assert(memory_truncate(os, "d/a", 2));
	memory_power_cut(os, NONE);
	cr_assert(is("d/a", "ac"));
	cr_assert_not(memory_flip(os, "d/a", 2, 0));
	cr_assert_not(memory_flip(os, "d/a", 0, 8));
	cr_assert_not(memory_flip(os, "d", 0, 0));
	cr_assert_not(memory_flip(os, "d/b", 0, 0));
	cr_assert_not(memory_truncate(os, "d/a", 3));
	cr_assert_not(memory_truncate(os, "d/b", 0));
	cr_assert(memory_is_synced(os, "d/a"));
	write_unsynced("d/a", "x");
	cr_assert_not(memory_is_synced(os, "d/a"));
}

/* ---- copies ---- */

Test(memory, clones_deeply, .init = setup, .fini = teardown)
{
	struct os *clone, *other;
	struct os_file *file;
	uint8_t a[16], b[16];

	durable_then_append();
	write_unsynced("d/gone", "x");
	OK(os_open(os, "d/gone", &file, NULL));
	OK(os_unlink(os, "d/gone", NULL));
	OK(os_unlink(os, "d/a", NULL));
	OK(os_sync_dir(os, "d", NULL));
	write_durable("d/a", "abc");
	write_unsynced("d/a", "def");
	clone = memory_clone(os);
	cr_assert_eq(memory_used(os), 7);
	cr_assert_eq(memory_used(clone), 6);
	OK(os_random(os, a, sizeof a, NULL));
	OK(os_random(clone, b, sizeof b, NULL));
	cr_assert_arr_eq(a, b, sizeof a);
	cr_assert_eq(os_clock_us(os), os_clock_us(clone));
	other = memory_clone(clone);
	memory_power_cut(clone, NONE);
	cr_assert_str_eq(text_of(clone, "d/a"), "abc");
	memory_power_cut(other, 3); /* the file without a name takes no bits of it */
	cr_assert_str_eq(text_of(other, "d/a"), "abcdef");
	os_free(other);
	cr_assert(is("d/a", "abcdef"));
	OK(os_unlink(os, "d/a", NULL));
	cr_assert_str_eq(text_of(clone, "d/a"), "abc");
	os_close(os, file);
	os_free(clone);
}

Test(memory, repeats_itself)
{
	uint8_t bytes[3][32];

	for (size_t i = 0; i < 3; i++) {
		memory_init(&mem);
		os = os_memory_new(&mem.alloc, i == 2 ? 2 : 1);
		OK(os_random(os, bytes[i], 32, NULL));
		memory_set_clock(os, 1000);
		cr_assert_eq(os_clock_us(os), 1000);
		cr_assert_eq(os_clock_us(os), 1001);
		memory_set_clock(os, -5);
		cr_assert_eq(os_clock_us(os), -5);
		teardown();
	}
	cr_assert_arr_eq(bytes[0], bytes[1], 32);
	cr_assert_arr_neq(bytes[0], bytes[2], 32);
}

static int ignore_name(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return 0;
}

static teg_status work(struct os *in)
{
	struct os *clone;

	TEG_TRY(os_make_dir(in, "", NULL));
	TEG_TRY(os_make_dir(in, "d", NULL));
	TEG_TRY(os_sync_dir(in, "", NULL));
	for (char name[] = "d/a"; name[2] < 'g'; name[2]++)
		TEG_TRY(os_write_file(in, name, span_of_text("some text"), NULL));
	TEG_TRY(os_link(in, "d/a", "d/z", NULL));
	TEG_TRY(os_rename(in, "d/b", "d/y", NULL));
	TEG_TRY(os_unlink(in, "d/c", NULL));
	TEG_TRY(os_list(in, "d", ignore_name, NULL, NULL));
	clone = memory_clone(in);
	if (!clone)
		return TEG_NOMEM;
	memory_power_cut(clone, 0x3333); /* needs no memory */
	os_free(clone);
	return TEG_OK;
}

static teg_status work_with(const teg_allocator *alloc, void *ctx)
{
	struct os *in = os_memory_new(alloc, 1);
	teg_status status = in ? work(in) : TEG_NOMEM;

	(void)ctx;
	os_free(in);
	return status;
}

Test(memory, survives_a_lack_of_memory)
{
	cr_assert_gt(memory_fail_each(work_with, NULL), 20);
}

/* ---- threads ---- */

static void *publish(void *ctx)
{
	size_t won = 0;
	char tmp[16], final[16];

	for (int i = 0; i < 100; i++) {
		snprintf(tmp, sizeof tmp, "d/%d", *(int *)ctx);
		snprintf(final, sizeof final, "d/v%d", i);
		if (os_write_file(os, tmp, span_of_text(tmp), NULL))
			break;
		won += os_link(os, tmp, final, NULL) == TEG_OK;
		if (os_unlink(os, tmp, NULL) || os_sync_dir(os, "d", NULL))
			break;
	}
	*(size_t *)ctx = won;
	return NULL;
}

Test(memory, serves_threads, .init = setup, .fini = teardown)
{
	pthread_t threads[4];
	union {
		int id;
		size_t won;
	} each[4];
	size_t won = 0;

	for (int i = 0; i < 4; i++) {
		each[i].id = i;
		cr_assert_eq(pthread_create(&threads[i], NULL, publish, &each[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		won += each[i].won;
	}
	cr_assert_eq(won, 100);
}
