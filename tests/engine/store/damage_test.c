/* Segment files that are damaged, cut, or cannot be read or written: never a wrong answer. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include "engine/os/faulty.h"
#include "tests/support/memory.h"
#include "tests/support/segments.h"

static const struct tiler_options fresh = { .array_id = 7, .fresh = true };

static const teg_type two_dims[] = { TEG_INT64, TEG_INT32 };

/* A small segment with several tiles and every kind of column. */
static void make_small(struct segments *s, const teg_allocator *alloc, uint32_t n)
{
	teg_spec spec = *spec_of(TEG_SPARSE, two_dims, 2, true);
	struct rng rng = { 77 };
	struct rows rows;

	spec.tile_cells = 40;
	segments_init(s, alloc, &spec);
	cr_assert_eq(rows_init(&rows, s->schema, alloc, NULL), TEG_OK);
	rows_make_up(&rows, n, &rng, 1000, true);
	cr_assert_eq(segments_write(s, &rows, &fresh, NULL), TEG_OK);
	rows_release(&rows);
}

/* TEG_OK with the digest, or the error of opening or reading. */
static teg_status look(struct segments *s, uint64_t *digest, teg_error *err)
{
	teg_status status = segments_open(s, err);

	if (status == TEG_OK)
		status = segments_digest(s, digest, err);
	segments_close(s);
	return status;
}

Test(damage, every_bit_flip_is_an_error_or_changes_nothing) /* X1 X18 */
{
	struct segments s;
	uint64_t want, got;
	size_t len, n_found = 0;
	uint8_t *bytes;

	make_small(&s, teg_allocator_default(), 90);
	cr_assert_eq(look(&s, &want, NULL), TEG_OK);
	bytes = segments_bytes(&s, &len);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		teg_error err = { 0 };
		teg_status status;

		cr_assert(memory_flip(s.os, SEGMENT_FILE, bit / 8, bit % 8));
		status = look(&s, &got, &err);
		if (status == TEG_OK)
			cr_assert_eq(got, want, "bit %zu", bit);
		else
			cr_assert(status == TEG_CORRUPT || status == TEG_UNSUPPORTED, "bit %zu: %d",
			          bit, (int)status);
		if (status != TEG_OK)
			cr_assert_str_eq(err.file, SEGMENT_FILE);
		n_found += status != TEG_OK;
		cr_assert(memory_flip(s.os, SEGMENT_FILE, bit / 8, bit % 8));
	}
	/* Only the minor version is free to differ. */
	cr_assert_eq(n_found, 8 * (len - 2));
	free(bytes);
	segments_release(&s);
}

Test(damage, every_cut_is_an_error)
{
	struct segments s;
	uint64_t digest;
	size_t len;
	uint8_t *bytes;

	make_small(&s, teg_allocator_default(), 90);
	bytes = segments_bytes(&s, &len);
	for (size_t cut = 0; cut < len; cut++) {
		segments_set_bytes(&s, bytes, cut);
		cr_assert_eq(look(&s, &digest, NULL), TEG_CORRUPT, "%zu of %zu bytes", cut, len);
	}
	segments_set_bytes(&s, bytes, len);
	cr_assert_eq(look(&s, &digest, NULL), TEG_OK);
	free(bytes);
	segments_release(&s);
}

Test(damage, a_longer_file_is_not_the_one_that_was_referred_to)
{
	struct segments s;
	uint64_t digest;
	size_t len;
	uint8_t *bytes;

	make_small(&s, teg_allocator_default(), 90);
	bytes = segments_bytes(&s, &len);
	bytes = realloc(bytes, len + 1);
	bytes[len] = 0;
	segments_set_bytes(&s, bytes, len + 1);
	cr_assert_eq(look(&s, &digest, NULL), TEG_CORRUPT);
	free(bytes);
	segments_release(&s);
}

Test(damage, a_reference_that_does_not_fit_is_refused) /* NE2 */
{
	struct segments s;
	struct segment_ref good;
	uint64_t digest;

	make_small(&s, teg_allocator_default(), 90);
	good = s.ref;
	s.ref.checksum ^= 1;
	cr_assert_eq(look(&s, &digest, NULL), TEG_CORRUPT);
	s.ref = good;
	s.ref.fresh = false;
	cr_assert_eq(look(&s, &digest, NULL), TEG_CORRUPT);
	s.ref = good;
	s.ref.implicit_ids = true;
	cr_assert_eq(look(&s, &digest, NULL), TEG_CORRUPT);
	s.ref = good;
	s.ref.off = 1;
	cr_assert_eq(look(&s, &digest, NULL), TEG_CORRUPT);
	s.ref = good;
	s.ref.len = 3;
	cr_assert_eq(look(&s, &digest, NULL), TEG_CORRUPT);
	s.ref = good;
	s.ref.off = UINT64_MAX;
	cr_assert_eq(look(&s, &digest, NULL), TEG_CORRUPT);
	s.ref = good;
	cr_assert_eq(look(&s, &digest, NULL), TEG_OK);
	segments_release(&s);
}

/* ---- the n-th failure of everything ---- */

struct job {
	struct segments s;
	struct rows rows;
};

static void job_init(struct job *job)
{
	struct rng rng = { 78 };
	teg_spec spec = *spec_of(TEG_SPARSE, two_dims, 2, true);

	spec.tile_cells = 40;
	segments_init(&job->s, teg_allocator_default(), &spec);
	cr_assert_eq(rows_init(&job->rows, job->s.schema, teg_allocator_default(), NULL), TEG_OK);
	rows_make_up(&job->rows, 90, &rng, 1000, true);
}

static void job_release(struct job *job)
{
	rows_release(&job->rows);
	segments_release(&job->s);
}

static teg_status write_and_read(const teg_allocator *alloc, void *ctx)
{
	struct job *job = ctx;
	teg_status status;

	job->s.alloc = job->rows.alloc = alloc;
	status = segments_write(&job->s, &job->rows, &fresh, NULL);
	job->rows.alloc = teg_allocator_default();
	if (status == TEG_OK)
		status = segments_open(&job->s, NULL);
	if (status == TEG_OK)
		status = segments_read_all(&job->s, NULL);
	segments_close(&job->s);
	return status;
}

Test(damage, lack_of_memory_is_told_and_leaks_nothing)
{
	struct job job;

	job_init(&job);
	cr_assert_gt(memory_fail_each(write_and_read, &job), 50);
	job_release(&job);
}

static void check_failed_write(struct job *job, struct os *faulty, uint64_t n, int os_errno)
{
	struct os *inner = job->s.os;
	teg_error err = { 0 };
	teg_status status;
	struct os_stat stat;

	faulty_set(faulty, n, os_errno, true);
	job->s.os = faulty;
	status = segments_write(&job->s, &job->rows, &fresh, &err);
	cr_assert_eq(status != TEG_OK, faulty_hit(faulty), "call %llu", (unsigned long long)n);
	if (status != TEG_OK)
		cr_assert(status == TEG_IO || status == TEG_READ_ONLY || status == TEG_NOT_FOUND,
		          "%d", (int)status);
	faulty_set(faulty, 0, 0, false);
	job->s.os = inner;
	(void)stat;
}

Test(damage, every_failing_call_of_a_write_is_told) /* S9 */
{
	struct job job;
	struct os *faulty, *inner;
	uint64_t n_calls;

	job_init(&job);
	inner = job.s.os;
	faulty = os_faulty_new(inner, teg_allocator_default());
	faulty_set(faulty, 0, 0, false);
	job.s.os = faulty;
	cr_assert_eq(segments_write(&job.s, &job.rows, &fresh, NULL), TEG_OK);
	n_calls = faulty_calls(faulty);
	job.s.os = NULL;
	cr_assert_gt(n_calls, 3);
	job_release(&job);
	os_free(faulty);
	os_free(inner);

	job_init(&job);
	faulty = os_faulty_new(job.s.os, teg_allocator_default());
	/* Call 1 is the unlink of an older file, whose answer is not asked for. */
	for (uint64_t n = 2; n <= n_calls; n++)
		check_failed_write(&job, faulty, n, n % 2 ? EIO : ENOSPC);
	os_free(faulty);
	job_release(&job);
}

Test(damage, every_failing_read_is_told_and_short_reads_go_on) /* S9 */
{
	struct job job;
	struct os *faulty, *inner;
	uint64_t n_calls, want, got;

	job_init(&job);
	inner = job.s.os;
	cr_assert_eq(segments_write(&job.s, &job.rows, &fresh, NULL), TEG_OK);
	faulty = os_faulty_new(inner, teg_allocator_default());
	faulty_set(faulty, 0, 0, false);
	job.s.os = faulty;
	cr_assert_eq(look(&job.s, &want, NULL), TEG_OK);
	n_calls = faulty_calls(faulty);
	for (uint64_t n = 1; n < n_calls;
	     n++) { /* the last is the close, whose answer is nothing */
		faulty_set(faulty, n, EIO, true);
		cr_assert_eq(look(&job.s, &got, NULL), TEG_IO, "call %llu", (unsigned long long)n);
		faulty_set(faulty, n, 0, false); /* one byte only */
		cr_assert_eq(look(&job.s, &got, NULL), TEG_OK);
		cr_assert_eq(got, want);
	}
	job.s.os = inner;
	os_free(faulty);
	job_release(&job);
}

/* ---- walking ---- */

struct walk {
	uint64_t n_each, n_kept, skip_below;
};

static bool keep_late(void *ctx, const struct index_entry *entry, bool leaf)
{
	struct walk *w = ctx;

	(void)leaf;
	return entry->hi[0] >= w->skip_below;
}

static teg_status count_tile(void *ctx, const struct index_entry *entry, uint64_t number)
{
	struct walk *w = ctx;

	cr_assert_eq(lane_to_i64(entry->lo[0]),
	             500 + (int64_t)number); /* the reference's first id */
	cr_assert_eq(entry->system_from_min, 1000);
	w->n_each++;
	return TEG_OK;
}

Test(damage, walks_skip_whole_pages_and_number_tiles) /* NE2 NE3 */
{
	struct segments s;
	struct rng rng = { 79 };
	struct rows rows;
	teg_spec spec = *spec_of(TEG_TABLE, NULL, 0, false);
	struct index_counters counters = { 0 };
	struct walk w = { 0, 0, lane_of_i64(500 + 900) };

	spec.tile_cells = 1;
	segments_init(&s, teg_allocator_default(), &spec);
	cr_assert_eq(rows_init(&rows, s.schema, teg_allocator_default(), NULL), TEG_OK);
	rows.implicit_ids = true;
	rows_make_up(&rows, 1000, &rng, 1, true);
	cr_assert_eq(segments_write(&s, &rows, &fresh, NULL), TEG_OK);
	cr_assert_eq(segments_open(&s, NULL), TEG_OK);
	cr_assert_eq(s.segment.footer.levels, 2);
	cr_assert_eq(segment_walk(&s.segment, keep_late, count_tile, &w, &counters, NULL), TEG_OK);
	cr_assert_eq(w.n_each, 100);
	cr_assert_eq(counters.pages_read, 2); /* the root and the last leaf */
	cr_assert_eq(counters.pages_pruned, 3);
	w.skip_below = UINT64_MAX;
	w.n_each = 0;
	cr_assert_eq(segment_walk(&s.segment, keep_late, count_tile, &w, NULL, NULL), TEG_OK);
	cr_assert_eq(w.n_each, 0);
	rows_release(&rows);
	segments_release(&s);
}

Test(damage, an_empty_segment_has_no_tiles) /* NE3 */
{
	struct segments s;
	uint64_t digest;

	make_small(&s, teg_allocator_default(), 0);
	cr_assert_eq(look(&s, &digest, NULL), TEG_OK);
	cr_assert_eq(digest, 1);
	segments_release(&s);
}

Test(damage, the_same_rows_give_the_same_file) /* X15 */
{
	struct segments a, b;
	size_t len_a, len_b;
	uint8_t *bytes_a, *bytes_b;

	make_small(&a, teg_allocator_default(), 500);
	make_small(&b, teg_allocator_default(), 500);
	bytes_a = segments_bytes(&a, &len_a);
	bytes_b = segments_bytes(&b, &len_b);
	cr_assert_eq(len_a, len_b);
	cr_assert_arr_eq(bytes_a, bytes_b, len_a);
	free(bytes_a);
	free(bytes_b);
	segments_release(&a);
	segments_release(&b);
}

/* ---- memory once warm ---- */

struct warm {
	struct memory *mem;
	size_t n_columns;
};

static void read_twice(void *ctx, const struct tile *tile, struct tile_reader *reader)
{
	struct warm *w = ctx;
	const struct schema *schema = tile->segment->schema;

	for (uint32_t a = 0; a < schema->n_attrs; a++) {
		const struct field *field = &schema->attrs[a];
		struct column_buf out;
		size_t before;

		column_buf_init(&out, field->shape, field->width, reader->alloc);
		for (int round = 0; round < 3; round++) {
			before = w->mem->n_requests;
			column_buf_clear(&out);
			cr_assert_eq(tile_read_column(reader, tile, field->id, 0,
			                              tile->header.n_rows, &out, NULL),
			             TEG_OK);
		}
		cr_assert_eq(w->mem->n_requests, before, "%s", field->name);
		column_buf_release(&out);
		w->n_columns++;
	}
}

Test(damage, a_warm_reader_asks_for_no_memory)
{
	teg_spec spec = *spec_of(TEG_SPARSE, two_dims, 2, true);
	struct rng rng = { 81 };
	struct memory mem;
	struct segments s;
	struct rows rows;
	struct warm warm = { &mem, 0 };

	memory_init(&mem);
	segments_init(&s, &mem.alloc, &spec);
	cr_assert_eq(rows_init(&rows, s.schema, &mem.alloc, NULL), TEG_OK);
	rows_make_up(&rows, 20000, &rng, 1000, true);
	cr_assert_eq(segments_write(&s, &rows, &fresh, NULL), TEG_OK);
	cr_assert_eq(segments_open(&s, NULL), TEG_OK);
	cr_assert_eq(segments_each(&s, read_twice, &warm, NULL), TEG_OK);
	cr_assert_eq(warm.n_columns, s.schema->n_attrs);
	rows_release(&rows);
	segments_release(&s);
	memory_check(&mem);
}

/* ---- gathering ---- */

static void check_gather(void *ctx, const struct tile *tile, struct tile_reader *reader)
{
	struct rng *rng = ctx;
	uint32_t n = tile->header.n_rows;

	for (int round = 0; round < 10; round++) {
		uint32_t at[4000], k = 0;
		struct column_buf all, some;
		struct column view, got;

		column_buf_init(&all, COLUMN_BYTES, 0, reader->alloc);
		column_buf_init(&some, COLUMN_BYTES, 0, reader->alloc);
		for (uint32_t i = 0; i < n; i++)
			if (rng_below(rng, 10) < (uint64_t)round)
				at[k++] = i;
		cr_assert_eq(tile_read_column(reader, tile, 0x102, 0, n, &all, NULL), TEG_OK);
		cr_assert_eq(tile_gather_column(reader, tile, 0x102, at, k, &some, NULL), TEG_OK);
		cr_assert_eq(some.n, k);
		view = column_buf_view(&all);
		got = column_buf_view(&some);
		for (uint32_t i = 0; i < k; i++) {
			cr_assert_eq(column_valid(&got, i), column_valid(&view, at[i]));
			if (column_valid(&got, i))
				cr_assert(span_equal(column_value(&got, i),
				                     column_value(&view, at[i])));
		}
		column_buf_release(&all);
		column_buf_release(&some);
	}
}

Test(damage, gathered_rows_are_the_rows_read)
{
	teg_spec spec = *spec_of(TEG_SPARSE, two_dims, 2, true);
	struct rng rng = { 80 };
	struct segments s;
	struct rows rows;

	segments_init(&s, teg_allocator_default(), &spec);
	cr_assert_eq(rows_init(&rows, s.schema, teg_allocator_default(), NULL), TEG_OK);
	rows_make_up(&rows, 4000, &rng, 1000, true);
	cr_assert_eq(segments_write(&s, &rows, &fresh, NULL), TEG_OK);
	cr_assert_eq(segments_open(&s, NULL), TEG_OK);
	cr_assert_eq(segments_each(&s, check_gather, &rng, NULL), TEG_OK);
	rows_release(&rows);
	segments_release(&s);
}
