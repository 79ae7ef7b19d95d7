#include "engine/write/spool.h"
#include "codec/base/alloc.h"
#include "engine/order/order.h"

#define RUN_BUFFER_MAX 4096 /* pairs of a run in memory while runs are merged */
#define RUN_BUFFER_MIN 256
#define MERGE_PAIRS (512u << 10) /* pairs in memory, over all runs */

struct run {
	uint64_t off, left; /* in the file: the next byte, and pairs not yet read */
	struct spool_pair *at;
	size_t n, next; /* pairs in memory */
};

struct spool {
	struct os *os;
	char path[OS_PATH_MAX];
	struct os_file *file; /* NULL: everything is in memory */
	uint64_t file_len;
	struct spool_pair *pairs, *sorted;
	size_t n, cap, sorted_cap, next, most;
	struct run *runs;
	size_t n_runs, runs_cap;
	struct spool_pair *buffers; /* of the runs */
	size_t buffer_len;
	uint32_t *heap; /* runs by their next pair */
	size_t heap_n, heap_cap;
	const teg_allocator *alloc;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to sort keys");
}

struct spool *spool_new(struct os *os, const char *path, size_t most, const teg_allocator *alloc)
{
	struct spool *s = mem_zalloc(alloc, sizeof *s);

	if (!s)
		return NULL;
	s->os = os;
	s->alloc = alloc;
	s->most = most ? most : SPOOL_PAIRS;
	strncpy(s->path, path, sizeof s->path - 1);
	return s;
}

static void free_pairs(struct spool *s)
{
	mem_free(s->alloc, s->pairs, s->cap * sizeof *s->pairs);
	mem_free(s->alloc, s->sorted, s->sorted_cap * sizeof *s->sorted);
	s->pairs = s->sorted = NULL;
	s->n = s->cap = s->sorted_cap = 0;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	if (s->file) {
		os_close(s->os, s->file);
		(void)os_unlink(s->os, s->path, NULL);
	}
	free_pairs(s);
	mem_free(s->alloc, s->buffers, s->n_runs * s->buffer_len * sizeof *s->buffers);
	mem_free(s->alloc, s->heap, s->heap_cap * sizeof *s->heap);
	mem_free(s->alloc, s->runs, s->runs_cap * sizeof *s->runs);
	mem_free(s->alloc, s, sizeof *s);
}

/* ---- runs out ---- */

static teg_status sorted_order(struct spool *s, uint64_t *keys, uint32_t *perm)
{
	const uint64_t *words = keys;

	for (size_t i = 0; i < s->n; i++)
		keys[i] = s->pairs[i].key;
	return order_sort(&words, 1, (uint32_t)s->n, s->alloc, perm);
}

/* The pairs into `sorted`. */
static teg_status sort_pairs(struct spool *s, teg_error *err)
{
	uint64_t *keys = mem_array(s->alloc, s->n, sizeof *keys);
	uint32_t *perm = mem_array(s->alloc, s->n, sizeof *perm);
	teg_status status = keys && perm ? sorted_order(s, keys, perm) : TEG_NOMEM;

	mem_free(s->alloc, keys, s->n * sizeof *keys);
	if (status == TEG_OK && !s->sorted) {
		s->sorted = mem_array(s->alloc, s->n, sizeof *s->sorted);
		s->sorted_cap = s->sorted ? s->n : 0;
	}
	if (status != TEG_OK || !s->sorted)
		status = no_memory(err);
	for (size_t i = 0; status == TEG_OK && i < s->n; i++)
		s->sorted[i] = s->pairs[perm[i]];
	mem_free(s->alloc, perm, s->n * sizeof *perm);
	return status;
}

static teg_status put_run(struct spool *s, teg_error *err)
{
	struct span bytes = { (const uint8_t *)s->sorted, s->n * sizeof *s->sorted };
	void *block = s->runs;

	if (!mem_grow(s->alloc, &block, &s->runs_cap, s->n_runs + 1, sizeof *s->runs))
		return no_memory(err);
	s->runs = block;
	if (!s->file)
		TEG_TRY(os_create(s->os, s->path, &s->file, err));
	TEG_TRY(os_write(s->os, s->file, s->path, bytes, err));
	s->runs[s->n_runs++] = (struct run){ .off = s->file_len, .left = s->n };
	s->file_len += bytes.len;
	s->n = 0;
	return TEG_OK;
}

static teg_status spill(struct spool *s, teg_error *err)
{
	TEG_TRY(sort_pairs(s, err));
	return put_run(s, err);
}

teg_status spool_add(struct spool *s, uint64_t key, uint64_t value, teg_error *err)
{
	void *block = s->pairs;

	if (s->n == s->most)
		TEG_TRY(spill(s, err));
	if (s->n == s->cap && !mem_grow(s->alloc, &block, &s->cap, s->n + 1, sizeof *s->pairs))
		return no_memory(err);
	s->pairs = block;
	s->pairs[s->n++] = (struct spool_pair){ key, value };
	return TEG_OK;
}

/* ---- runs back ---- */

static teg_status refill(struct spool *s, struct run *run, teg_error *err)
{
	size_t n = run->left < s->buffer_len ? (size_t)run->left : s->buffer_len;

	run->n = n;
	run->next = 0;
	if (!n)
		return TEG_OK;
	TEG_TRY(os_read(s->os, s->file, s->path, run->off, run->at, n * sizeof *run->at, err));
	run->off += n * sizeof *run->at;
	run->left -= n;
	return TEG_OK;
}

/* The earlier run first where keys are equal: pairs of one key keep their order. */
static bool before(const struct spool *s, uint32_t a, uint32_t b)
{
	const struct run *x = &s->runs[a], *y = &s->runs[b];
	uint64_t kx = x->at[x->next].key, ky = y->at[y->next].key;

	return kx != ky ? kx < ky : a < b;
}

static void sift_down(struct spool *s, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < s->heap_n; i = child) {
		uint32_t swap = s->heap[i];

		if (child + 1 < s->heap_n && before(s, s->heap[child + 1], s->heap[child]))
			child++;
		if (!before(s, s->heap[child], swap))
			return;
		s->heap[i] = s->heap[child];
		s->heap[child] = swap;
	}
}

static teg_status start_merge(struct spool *s, teg_error *err)
{
	s->buffer_len = MERGE_PAIRS / s->n_runs;
	if (s->buffer_len > RUN_BUFFER_MAX)
		s->buffer_len = RUN_BUFFER_MAX;
	if (s->buffer_len < RUN_BUFFER_MIN)
		s->buffer_len = RUN_BUFFER_MIN;
	s->buffers = mem_array(s->alloc, s->n_runs * s->buffer_len, sizeof *s->buffers);
	s->heap = mem_array(s->alloc, s->n_runs, sizeof *s->heap);
	if (!s->buffers || !s->heap)
		return no_memory(err);
	s->heap_cap = s->heap_n = s->n_runs;
	for (size_t i = 0; i < s->n_runs; i++) {
		s->runs[i].at = s->buffers + i * s->buffer_len;
		s->heap[i] = (uint32_t)i;
		TEG_TRY(refill(s, &s->runs[i], err));
	}
	for (size_t i = s->heap_n; i--;)
		sift_down(s, i);
	return TEG_OK;
}

teg_status spool_finish(struct spool *s, teg_error *err)
{
	if (!s->n_runs)
		return s->n ? sort_pairs(s, err) : TEG_OK;
	if (s->n)
		TEG_TRY(spill(s, err));
	free_pairs(s);
	return start_merge(s, err);
}

static teg_status next_merged(struct spool *s, struct spool_pair *pair_out, teg_error *err)
{
	struct run *run = &s->runs[s->heap[0]];

	*pair_out = run->at[run->next++];
	if (run->next == run->n)
		TEG_TRY(refill(s, run, err));
	if (!run->n)
		s->heap[0] = s->heap[--s->heap_n];
	sift_down(s, 0);
	return TEG_OK;
}

teg_status spool_next(struct spool *s, struct spool_pair *pairs_out, size_t max, size_t *n_out,
                      teg_error *err)
{
	size_t n = 0;

	*n_out = 0;
	if (!s->n_runs) {
		while (n < max && s->next < s->n)
			pairs_out[n++] = s->sorted[s->next++];
		*n_out = n;
		return TEG_OK;
	}
	while (n < max && s->heap_n)
		TEG_TRY(next_merged(s, &pairs_out[n++], err));
	*n_out = n;
	return TEG_OK;
}
