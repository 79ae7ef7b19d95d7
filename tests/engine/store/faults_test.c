/* Whatever fails, and wherever the power is cut: the store reopens as before or after, with every
 * acknowledged commit in it. */
#include "engine/store/marker.h"
#include "engine/store/version.h"
#include "tests/engine/store/fixture.h"
#include "tests/support/fragile.h"

#define SEEDS 64

/* What a run was told to be durable. */
struct told {
	bool made, has_array;
	bool put[SEEDS];
	uint64_t version;
};

/* Creates a store, an array, and puts a few segments; stops at the first error. */
static teg_status work(struct os *os, const teg_allocator *alloc, struct told *told)
{
	teg_commit_result result = { .struct_size = sizeof result };
	teg_store *store = NULL;
	teg_error err = { 0 };
	teg_status status = fixture_open(os, alloc, TEG_CREATE_IF_MISSING, &store, &err);

	if (status != TEG_OK)
		return status;
	told->made = true;
	if (!told->has_array)
		status = fixture_create(store, "a", &result, &err);
	if (status == TEG_OK || status == TEG_EXISTS)
		status = TEG_OK;
	told->has_array |= status == TEG_OK;
	for (uint64_t seed = 0; seed < 8 && status == TEG_OK; seed++) {
		status = fixture_put(store, "a", seed, 200 + seed, &result, &err);
		if (status == TEG_OK) {
			cr_assert_gt(result.version, told->version);
			told->put[seed] = true;
			told->version = result.version;
		}
	}
	if (status == TEG_OK) {
		teg_snapshot *snapshot;

		status = teg_snapshot_open(store, &snapshot, &err);
		if (status == TEG_OK)
			teg_snapshot_close(snapshot);
	}
	teg_store_close(store);
	return status;
}

/* Opens what is left: acknowledged commits are there, and it can be written to. */
static void check(struct os *os, const teg_allocator *alloc, const struct told *told, uint64_t n)
{
	bool seen[SEEDS];
	teg_commit_result result = { .struct_size = sizeof result };
	teg_store *store;
	teg_error err = { 0 };
	uint64_t version;
	teg_status status = fixture_open(os, alloc,
	                                 told->made ? TEG_CREATE_NO : TEG_CREATE_IF_MISSING, &store,
	                                 &err);

	cr_assert_eq(status, TEG_OK, "call %llu: %s (%s)", (unsigned long long)n, err.message,
	             err.file);
	status = fixture_seen(store, "a", seen, SEEDS, &version, &err);
	cr_assert(status == TEG_OK || (status == TEG_NOT_FOUND && !told->has_array),
	          "call %llu: %s", (unsigned long long)n, err.message);
	cr_assert_geq(version, told->version, "call %llu: version %llu after %llu",
	              (unsigned long long)n, (unsigned long long)version,
	              (unsigned long long)told->version);
	for (int i = 0; i < SEEDS && status == TEG_OK; i++)
		cr_assert(!told->put[i] || seen[i], "call %llu: commit %d is lost",
		          (unsigned long long)n, i);
	if (status == TEG_NOT_FOUND)
		cr_assert_eq(fixture_create(store, "a", &result, &err), TEG_OK, "%s", err.message);
	cr_assert_eq(fixture_put(store, "a", 63, 100, &result, &err), TEG_OK, "%s", err.message);
	teg_store_close(store);
}

static const struct {
	const char *name;
	int code;
	bool forever, lose;
} faults[] = {
	{ "EIO once", 5, false, false },          { "EIO for ever", 5, true, false },
	{ "disk full once", 28, false, false },   { "disk full for ever", 28, true, false },
	{ "answer lost", 5, false, true },        { "too many files", 24, false, false },
	{ "one byte at a time", 0, true, false },
};

Test(faults, every_call_fails_in_turn) /* S9 B2 */
{
	for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
		for (uint64_t n = 1;; n++) {
			struct told told = { .version = 0 };
			struct fragile d;
			bool hit;

			fragile_init(&d, n);
			faulty_lose_answer(d.os, faults[f].lose);
			faulty_set(d.os, n, faults[f].code, faults[f].forever);
			(void)work(d.os, &d.mem.alloc, &told);
			hit = fragile_heal(&d);
			check(d.disk, &d.mem.alloc, &told, n);
			fragile_release(&d);
			if (!hit || (faults[f].code == 0 && n > 3))
				break;
		}
	}
}

Test(faults, killed_anywhere_and_the_power_cut) /* B2 S1 X10 */
{
	static const uint64_t keeps[] = { 0, UINT64_MAX, 0x5555555555555555, 0x0123456789abcdef };

	for (uint64_t n = 1;; n++) {
		struct told told = { .version = 0 };
		struct fragile d;
		bool hit;

		fragile_init(&d, n);
		faulty_count_changes_only(d.os, true);
		faulty_kill(d.os, n);
		(void)work(d.os, &d.mem.alloc, &told);
		hit = fragile_heal(&d);
		for (size_t k = 0; k < sizeof keeps / sizeof *keeps; k++) {
			struct os *after = memory_clone(d.disk);

			memory_power_cut(after, keeps[k]);
			check(after, &d.mem.alloc, &told, n);
			os_free(after);
		}
		fragile_release(&d);
		if (!hit)
			break;
	}
}

/* What follows the answer to a commit (hint, sweep) may fail without harm, so a run that met a
 * refusal may be whole all the same. */
Test(faults, every_allocation_fails_in_turn)
{
	for (int once = 0; once < 2; once++) {
		for (size_t n = 1;; n++) {
			struct memory disk, mem;
			struct told told = { .version = 0 };
			struct os *os;
			teg_status status;

			memory_init(&disk);
			memory_init(&mem);
			os = os_memory_new(&disk.alloc, 1);
			mem.fail_at = n;
			mem.fail_once = once;
			status = work(os, &mem.alloc, &told);
			cr_assert(status == TEG_OK || status == TEG_NOMEM, "request %zu: %s", n,
			          teg_status_name(status));
			memory_check(&mem);
			check(os, &disk.alloc, &told, n);
			os_free(os);
			memory_check(&disk);
			if (!mem.n_refused) {
				cr_assert_eq(status, TEG_OK);
				break;
			}
		}
	}
}

Test(faults, a_full_disk_and_a_read_only_one_are_errors_and_do_no_harm) /* S9 */
{
	struct memory mem;
	struct os *os;
	struct told told = { .version = 0 };
	teg_store *store;
	teg_snapshot *snapshot;
	teg_commit_result result;
	teg_error err = { 0 };

	memory_init(&mem);
	os = os_memory_new(&mem.alloc, 1);
	cr_assert_eq(work(os, &mem.alloc, &told), TEG_OK);
	for (uint64_t room = 0; room < 6000; room += 500) {
		memory_set_room(os, memory_used(os) + room);
		cr_assert_eq(fixture_open(os, &mem.alloc, TEG_CREATE_NO, &store, &err), TEG_OK);
		if (fixture_put(store, "a", 20 + room / 500, 3000, &result, &err) == TEG_OK)
			told.put[20 + room / 500] = true;
		else
			cr_assert_eq(err.os_errno, 28, "%s", err.message);
		cr_assert_eq(teg_snapshot_open(store, &snapshot, &err), TEG_OK, "%s", err.message);
		teg_snapshot_close(snapshot);
		teg_store_close(store);
	}
	memory_set_room(os, UINT64_MAX);
	memory_set_read_only(os, true);
	cr_assert_eq(fixture_open(os, &mem.alloc, TEG_CREATE_NO, &store, &err), TEG_OK);
	cr_assert_eq(fixture_put(store, "a", 50, 3000, &result, &err), TEG_READ_ONLY, "%s",
	             err.message);
	cr_assert_eq(teg_snapshot_open(store, &snapshot, &err), TEG_OK, "%s", err.message);
	teg_snapshot_close(snapshot);
	teg_store_close(store);
	memory_set_read_only(os, false);
	check(os, &mem.alloc, &told, 0);
	os_free(os);
	memory_check(&mem);
}

/* ---- damage ---- */

struct sound {
	struct memory mem;
	struct os *os;
	struct told told;
};

static void sound_init(struct sound *s)
{
	memset(s, 0, sizeof *s);
	memory_init(&s->mem);
	s->os = os_memory_new(&s->mem.alloc, 1);
	cr_assert_eq(work(s->os, &s->mem.alloc, &s->told), TEG_OK);
}

static void sound_release(struct sound *s)
{
	os_free(s->os);
	memory_check(&s->mem);
}

/* An error with a file named, or exactly the original answers. */
static bool answers(struct sound *s, teg_error *err)
{
	bool seen[SEEDS];
	teg_store *store;
	uint64_t version;
	teg_status status = fixture_open(s->os, &s->mem.alloc, TEG_CREATE_NO, &store, err);

	if (status == TEG_OK) {
		status = fixture_seen(store, "a", seen, SEEDS, &version, err);
		teg_store_close(store);
	}
	if (status != TEG_OK)
		return false;
	cr_assert_eq(version, s->told.version);
	cr_assert_arr_eq(seen, s->told.put, sizeof seen);
	return true;
}

Test(faults,
     a_flipped_bit_anywhere_in_the_newest_manifest_is_an_error_or_no_difference) /* NE1 B4 */
{
	struct sound s;
	char path[OS_PATH_MAX];
	struct os_stat st;
	uint64_t n_same = 0;

	sound_init(&s);
	manifest_path(s.told.version, path);
	cr_assert_eq(os_stat(s.os, path, &st, NULL), TEG_OK);
	for (uint64_t byte = 0; byte < st.size; byte++) {
		teg_error err = { 0 };
		bool same;

		/* The inline segment's own bytes are its reader's to check. */
		if (byte >= MANIFEST_HEADER_LEN && byte < MANIFEST_HEADER_LEN + 207)
			continue;
		memory_flip(s.os, path, byte, (unsigned)byte % 8);
		same = answers(&s, &err);
		n_same += same;
		cr_assert(same || err.status == TEG_CORRUPT || err.status == TEG_UNSUPPORTED, "%s",
		          err.message);
		cr_assert(same || err.file[0], "byte %llu: %s", (unsigned long long)byte,
		          err.message);
		memory_flip(s.os, path, byte, (unsigned)byte % 8);
	}
	/* The directory is not read, nor pages of other arrays: everything else shows. */
	cr_assert_lt(n_same, 100, "%llu flips went unnoticed", (unsigned long long)n_same);
	for (uint64_t len = 0; len < st.size; len += 1 + len / 50) {
		struct os *whole = s.os;
		teg_error err = { 0 };

		s.os = memory_clone(whole);
		cr_assert(memory_truncate(s.os, path, len));
		cr_assert_not(answers(&s, &err), "%llu bytes", (unsigned long long)len);
		cr_assert_eq(err.status, TEG_CORRUPT);
		os_free(s.os);
		s.os = whole;
	}
	sound_release(&s);
}

static void overwrite(struct sound *s, const char *path, const void *bytes, size_t len)
{
	(void)os_unlink(s->os, path, NULL);
	cr_assert_eq(os_write_file(s->os, path, span_of(bytes, len), NULL), TEG_OK);
}

static const struct {
	const char *what;
	uint64_t numbers[4]; /* of whole lines; 0: no more */
	const char *before, *between, *after;
	uint64_t hint;
} hints[] = {
	{ "nothing", { 0 }, "", "", "", 0 },
	{ "one line", { 7 }, "", "", "", 7 },
	{ "the largest counts, not the last", { 7, 9, 8 }, "", "", "", 9 },
	{ "a line cut off behind", { 7 }, "", "", "00000000000000000009 12345", 7 },
	{ "a line cut off before", { 7, 8 }, "0000009 1234", "", "", 8 },
	{ "one cut off between", { 7, 8 }, "", "000000000000", "", 8 },
	{ "a block of zeros", { 7 }, "", "", "\n\n\n\n\n\n\n\n", 7 },
	{ "a wrong hash", { 0 }, "00000000000000000099 0000000000000000\n", "", "", 0 },
};

Test(faults, the_largest_whole_line_is_the_hint) /* MAN-15 */
{
	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
		char text[512];
		size_t len = strlen(hints[i].before);

		memcpy(text, hints[i].before, len);
		for (size_t k = 0; hints[i].numbers[k]; k++) {
			hint_put(hints[i].numbers[k], text + len);
			len += HINT_LEN;
			strcpy(text + len, k ? "" : hints[i].between);
			len += strlen(text + len);
		}
		strcpy(text + len, hints[i].after);
		len += strlen(text + len);
		cr_assert_eq(hint_parse(span_of(text, len)), hints[i].hint, "%s", hints[i].what);
		/* No byte of it is read beyond its end, and no half line counts. */
		if (hints[i].numbers[0] && !hints[i].numbers[1] && !*hints[i].after)
			cr_assert_eq(hint_parse(span_of(text, len - 1)), 0, "%s", hints[i].what);
	}
}

Test(faults, hints_are_read_but_not_trusted) /* MAN-14 MAN-15 MAN-16 MAN-17 */
{
	static const char *const rubbish[] = { "", "x", "00000000000000000099",
		                               "00000000000000000099 0000000000000000\n" };
	struct sound s;
	char path[OS_PATH_MAX];
	teg_error err = { 0 };

	sound_init(&s);
	for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
		overwrite(&s, "manifests/hint", rubbish[i], strlen(rubbish[i]));
		cr_assert(answers(&s, &err), "%s: %s", rubbish[i], err.message);
	}
	cr_assert_eq(os_unlink(s.os, "manifests/hint", NULL), TEG_OK);
	cr_assert(answers(&s, &err), "%s", err.message);
	/* One that lags behind. */
	overwrite(&s, "manifests/hint", "00000000000000000003 3d1a4b1e3f3c0d0e\n", 38);
	cr_assert(answers(&s, &err), "%s", err.message);
	sound_release(&s);
	/* The newest manifest has vanished: the hint knows. */
	sound_init(&s);
	manifest_path(s.told.version, path);
	cr_assert_eq(os_unlink(s.os, path, NULL), TEG_OK);
	cr_assert_not(answers(&s, &err));
	cr_assert_eq(err.status, TEG_CORRUPT);
	cr_assert_str_eq(err.file, path);
	sound_release(&s);
}

static const struct {
	const char *why;
	size_t at;
	uint8_t byte;
	teg_status status;
} markers[] = {
	{ "wrong magic", 0, 0x88, TEG_CORRUPT },
	{ "a future version", 8, 2, TEG_UNSUPPORTED },
	{ "checksum", 44, 0xff, TEG_CORRUPT },
	{ "another id", 30, 0xee, TEG_CORRUPT },
};

Test(faults, a_marker_that_is_not_ours_is_refused) /* STORE-2 STORE-3 B4 */
{
	struct sound s;
	uint8_t bytes[MARKER_LEN], good[MARKER_LEN];
	struct os_file *file;
	teg_error err = { 0 };

	sound_init(&s);
	cr_assert_eq(os_open(s.os, "tegula", &file, NULL), TEG_OK);
	cr_assert_eq(os_read(s.os, file, "tegula", 0, good, sizeof good, NULL), TEG_OK);
	os_close(s.os, file);
	for (size_t i = 0; i < sizeof markers / sizeof *markers; i++) {
		memcpy(bytes, good, sizeof good);
		bytes[markers[i].at] = markers[i].byte;
		overwrite(&s, "tegula", bytes, sizeof bytes);
		cr_assert_not(answers(&s, &err), "%s", markers[i].why);
		cr_assert_eq(err.status, markers[i].status, "%s: %s", markers[i].why, err.message);
		cr_assert_str_eq(err.file, "tegula");
	}
	overwrite(&s, "tegula", good, sizeof good - 1);
	cr_assert_not(answers(&s, &err));
	overwrite(&s, "tegula", "", 0);
	cr_assert_not(answers(&s, &err));
	cr_assert_eq(os_unlink(s.os, "tegula", NULL), TEG_OK);
	cr_assert_not(answers(&s, &err));
	cr_assert_eq(err.status, TEG_CORRUPT);
	overwrite(&s, "tegula", good, sizeof good);
	cr_assert(answers(&s, &err));
	sound_release(&s);
}

Test(faults, creating_over_something_else_is_refused) /* H9 STORE-7 STORE-8 */
{
	struct memory mem;
	struct os *os;
	teg_store *store;
	teg_error err = { 0 };

	memory_init(&mem);
	os = os_memory_new(&mem.alloc, 1);
	cr_assert_eq(fixture_open(os, &mem.alloc, TEG_CREATE_NO, &store, &err), TEG_NOT_FOUND);
	cr_assert_eq(os_make_dir(os, "", NULL), TEG_OK);
	cr_assert_eq(fixture_open(os, &mem.alloc, TEG_CREATE_NO, &store, &err), TEG_NOT_FOUND);
	cr_assert_eq(os_write_file(os, "thesis.tex", span_of_text("x"), NULL), TEG_OK);
	cr_assert_eq(fixture_open(os, &mem.alloc, TEG_CREATE_NO, &store, &err), TEG_CORRUPT);
	cr_assert_eq(fixture_open(os, &mem.alloc, TEG_CREATE_NEW, &store, &err), TEG_EXISTS);
	cr_assert(strstr(err.message, "thesis.tex"));
	cr_assert_eq(fixture_open(os, &mem.alloc, TEG_CREATE_IF_MISSING, &store, &err),
	             TEG_CORRUPT);
	cr_assert_eq(fixture_count(os, ""), 1, "nothing was made");
	cr_assert_eq(os_unlink(os, "thesis.tex", NULL), TEG_OK);
	cr_assert_eq(fixture_open(os, &mem.alloc, TEG_CREATE_NEW, &store, &err), TEG_OK);
	teg_store_close(store);
	cr_assert_eq(fixture_open(os, &mem.alloc, TEG_CREATE_NEW, &store, &err), TEG_EXISTS);
	cr_assert_eq(fixture_open(os, &mem.alloc, TEG_CREATE_IF_MISSING, &store, &err), TEG_OK);
	teg_store_close(store);
	os_free(os);
	memory_check(&mem);
}
