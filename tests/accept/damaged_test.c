/* Files of a store that are damaged, cut, foreign or of a later format: every read gives what was
 * written or an error that names the file, and nothing is lost by having tried. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "engine/os/memory.h"
#include "engine/store/marker.h"
#include "tests/support/ok.h"
#include "tests/support/trio.h"

#define PATHS_MAX 64

struct paths {
	const char *dir;
	size_t n;
	char at[PATHS_MAX][OS_PATH_MAX];
};

static int add_path(void *ctx, const char *name)
{
	struct paths *paths = ctx;

	cr_assert_lt(paths->n, PATHS_MAX);
	cr_assert_lt((size_t)snprintf(paths->at[paths->n++], OS_PATH_MAX, "%s%s", paths->dir, name),
	             OS_PATH_MAX);
	return 0;
}

/* The marker and all that lies in manifests/ and segments/. */
static void list_files(struct os *os, struct paths *paths)
{
	paths->n = 1;
	snprintf(paths->at[0], OS_PATH_MAX, "%s", MARKER_PATH);
	paths->dir = "manifests/";
	OK(os_list(os, "manifests", add_path, paths, err));
	paths->dir = "segments/";
	OK(os_list(os, "segments", add_path, paths, err));
}

/* A store with inline segments, segment files and a merge behind it. */
static struct os *make_store(struct trio *content_out)
{
	struct os *os = os_memory_new(teg_allocator_default(), 3);

	cr_assert_not_null(os);
	trio_write(os, NULL);
	trio_look(os, NULL, content_out, "at first");
	cr_assert_eq(content_out->n, 1025);
	return os;
}

static bool verify_finds_it(struct os *os)
{
	teg_verify_result result = { .struct_size = sizeof result };
	teg_store *store;

	if (trio_open(os, NULL, NULL, TEG_CREATE_NO, &store, NULL) != TEG_OK)
		return true;
	if (teg_verify(store, true, NULL, NULL, &result, NULL) != TEG_OK)
		result.damages = 1;
	teg_store_close(store);
	return result.damages > 0;
}

static void check_damaged(struct os *os, const struct trio *want, const char *path, uint64_t at)
{
	static struct trio got;
	teg_error why = { 0 };
	teg_status status = trio_try(os, NULL, &got, &why);

	if (status == TEG_OK) {
		cr_assert(trio_equal(&got, want), "%s at %llu: another content", path,
		          (unsigned long long)at);
		return;
	}
	cr_assert(status == TEG_CORRUPT || status == TEG_UNSUPPORTED, "%s at %llu: %s %s", path,
	          (unsigned long long)at, teg_status_name(status), why.message);
	cr_assert_str_eq(why.file, path, "at %llu: names %s (%s)", (unsigned long long)at, why.file,
	                 why.message);
	cr_assert(why.message[0]);
	cr_assert(verify_finds_it(os), "%s at %llu: verify finds nothing", path,
	          (unsigned long long)at);
}

static uint64_t len_of(struct os *os, const char *path)
{
	struct os_stat st;

	OK(os_stat(os, path, &st, err));
	return st.size;
}

Test(damaged, no_flipped_bit_changes_an_answer, .timeout = 60) /* B4 X18 */
{
	static struct trio want, after;
	struct os *os = make_store(&want);
	struct paths paths;
	size_t n_flips = 0;

	list_files(os, &paths);
	for (size_t i = 0; i < paths.n; i++) {
		uint64_t len = len_of(os, paths.at[i]);
		uint64_t step = len < 512 ? 1 : len / 200;

		for (uint64_t at = 0; at < len; at += step, n_flips++) {
			unsigned bit = (unsigned)(at / step % 8);

			cr_assert(memory_flip(os, paths.at[i], at, bit));
			check_damaged(os, &want, paths.at[i], at);
			cr_assert(memory_flip(os, paths.at[i], at, bit));
		}
	}
	cr_assert_gt(n_flips, 1000);
	trio_look(os, NULL, &after, "all bits back");
	cr_assert(trio_equal(&after, &want));
	os_free(os);
}

Test(damaged, no_cut_changes_an_answer, .timeout = 60) /* B4 */
{
	static struct trio want;
	struct os *os = make_store(&want);
	struct paths paths;

	list_files(os, &paths);
	for (size_t i = 0; i < paths.n; i++) {
		uint64_t len = len_of(os, paths.at[i]);
		uint64_t step = len < 64 ? 1 : len / 31;

		for (uint64_t at = 0; at < len; at += step) {
			struct os *cut = memory_clone(os);

			cr_assert(memory_truncate(cut, paths.at[i], at));
			check_damaged(cut, &want, paths.at[i], at);
			os_free(cut);
		}
	}
	os_free(os);
}

Test(damaged, a_missing_file_is_named) /* B4 */
{
	static struct trio want;
	struct os *os = make_store(&want);
	struct paths paths;
	size_t n_refused = 0;

	list_files(os, &paths);
	for (size_t i = 0; i < paths.n; i++) {
		struct os *less = memory_clone(os);
		static struct trio got;
		teg_error why = { 0 };

		OK(os_unlink(less, paths.at[i], err));
		if (trio_try(less, NULL, &got, &why) == TEG_OK) {
			cr_assert(trio_equal(&got, &want), "%s", paths.at[i]);
		} else {
			cr_assert_eq(why.status, TEG_CORRUPT, "%s: %s", paths.at[i], why.message);
			cr_assert_str_eq(why.file, paths.at[i], "%s", why.message);
			n_refused++;
		}
		os_free(less);
	}
	cr_assert_gt(n_refused, 4); /* the marker, the newest manifest, three segments */
	os_free(os);
}

Test(damaged, a_write_to_a_damaged_store_loses_nothing, .timeout = 60) /* B4 S9 */
{
	static struct trio want, after;
	struct os *os = make_store(&want);
	struct paths paths;

	list_files(os, &paths);
	for (size_t i = 0; i < paths.n; i++) {
		uint64_t len = len_of(os, paths.at[i]);

		for (uint64_t at = 0; at < len; at += len / 7 + 1) {
			struct os *copy = memory_clone(os);
			teg_store *store;
			teg_status status;

			cr_assert(memory_flip(copy, paths.at[i], at, 3));
			status = trio_open(copy, NULL, NULL, TEG_CREATE_NO, &store, NULL);
			if (status == TEG_OK) {
				status = trio_put(store, 3000, 5, NULL);
				(void)trio_compact(store, NULL);
				(void)trio_vacuum(store, NULL);
				teg_store_close(store);
			}
			if (memory_flip(copy, paths.at[i], at, 3)) { /* else vacuumed away */
				trio_look(copy, NULL, &after, paths.at[i]);
				cr_assert_eq(after.n, want.n + (status == TEG_OK ? 5 : 0),
				             "%s at %llu", paths.at[i], (unsigned long long)at);
			}
			os_free(copy);
		}
	}
	os_free(os);
}

/* ---- foreign files and later formats ---- */

static void replace_marker(struct os *os, const struct marker *marker)
{
	uint8_t bytes[MARKER_LEN];

	marker_put(marker, bytes);
	OK(os_unlink(os, MARKER_PATH, err));
	OK(os_write_file(os, MARKER_PATH, span_of(bytes, sizeof bytes), err));
}

static void check_refused(struct os *os, teg_status want, const char *path, const char *word)
{
	teg_error why = { 0 };
	teg_store *store;
	teg_create ways[] = { TEG_CREATE_NO, TEG_CREATE_IF_MISSING };

	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(trio_open(os, NULL, NULL, ways[i], &store, &why), want, "%s: %s", word,
		             why.message);
		cr_assert_null(store);
		cr_assert_str_eq(why.file, path, "%s", why.message);
		cr_assert_not_null(strstr(why.message, word), "\"%s\" without \"%s\"", why.message,
		                   word);
	}
}

Test(damaged, a_later_format_is_refused_by_its_number) /* NE1 */
{
	static struct trio want;
	struct os *os = make_store(&want);
	struct marker marker, later;

	OK(marker_read(os, teg_allocator_default(), &marker, err));
	later = marker;
	later.major = 77;
	replace_marker(os, &later);
	check_refused(os, TEG_UNSUPPORTED, MARKER_PATH, "77");
	later = marker;
	later.required = 0x40;
	replace_marker(os, &later);
	check_refused(os, TEG_UNSUPPORTED, MARKER_PATH, "0x40");
	later = marker;
	later.minor++;
	later.optional = 1;
	replace_marker(os, &later); /* what a later minor version adds may be ignored */
	trio_look(os, NULL, &want, "a later minor version");
	os_free(os);
}

Test(damaged, a_file_that_is_no_marker_is_refused) /* B4 */
{
	static const struct {
		const char *bytes;
		size_t len;
	} others[] = { { "", 0 },
		       { "{\"format\": 1}\n", 14 },
		       { "PAR1                                                    ", MARKER_LEN },
		       { "\x89TEGS\r\n\x1a", 8 } };

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		static struct trio want;
		struct os *os = make_store(&want);

		OK(os_unlink(os, MARKER_PATH, err));
		OK(os_write_file(os, MARKER_PATH, span_of(others[i].bytes, others[i].len), err));
		check_refused(os, TEG_CORRUPT, MARKER_PATH, "marker");
		os_free(os);
	}
}

Test(damaged, a_segment_of_another_array_in_its_place_is_found) /* misdirected writes */
{
	static struct trio want, got;
	struct os *os = make_store(&want);
	struct paths paths;
	char first[OS_PATH_MAX] = "";
	teg_error why = { 0 };

	list_files(os, &paths);
	for (size_t i = 0; i < paths.n; i++) {
		if (strncmp(paths.at[i], "segments/", 9) != 0)
			continue;
		if (first[0]) {
			OK(os_rename(os, first, "segments/between", err));
			OK(os_rename(os, paths.at[i], first, err));
			OK(os_rename(os, "segments/between", paths.at[i], err));
			cr_assert_eq(trio_try(os, NULL, &got, &why), TEG_CORRUPT, "%s",
			             why.message);
			cr_assert_eq(strncmp(why.file, "segments/", 9), 0);
			os_free(os);
			return;
		}
		snprintf(first, sizeof first, "%s", paths.at[i]);
	}
	cr_assert_fail("no two segment files");
}
