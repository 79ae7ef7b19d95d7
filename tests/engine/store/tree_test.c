#include "codec/base/hash.h"
#include "engine/store/tree.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"
#include <criterion/criterion.h>

/* The manifests of a store in memory: number -> pages. */
#define FILES_MAX 4096

struct files {
	struct buf file[FILES_MAX];
	uint64_t n;
	uint64_t n_reads;
	struct memory mem;
};

static teg_status read_page(void *ctx, const struct page_ref *ref, struct buf *into, teg_error *err)
{
	struct files *files = ctx;
	struct buf *file;

	files->n_reads++;
	cr_assert(ref->manifest < files->n, "a reference to a manifest that is not there");
	file = &files->file[ref->manifest];
	cr_assert(ref->off + ref->len <= file->len, "a reference beyond the file");
	if (hash_bytes(span_of(file->at + ref->off, ref->len)) != ref->hash)
		return teg_fail(err, TEG_CORRUPT, "hash differs");
	buf_clear(into);
	buf_append(into, file->at + ref->off, ref->len);
	return buf_status(into);
}

static void files_init(struct files *files, struct page_source *source)
{
	memset(files, 0, sizeof *files);
	memory_init(&files->mem);
	*source = (struct page_source){ read_page, files, &files->mem.alloc };
}

static void files_release(struct files *files)
{
	for (uint64_t i = 0; i < files->n; i++)
		buf_release(&files->file[i]);
	memory_check(&files->mem);
}

/* Applies the edits on `base` (NULL: nothing) as one more manifest. */
static struct page_ref commit(struct files *files, const struct page_source *source,
                              const struct page_ref *base, const struct tree_edit *edits, size_t n)
{
	struct buf *file = &files->file[files->n];
	struct page_ref root;
	struct tree tree;

	buf_init(file, &files->mem.alloc, BUF_NO_LIMIT);
	buf_zeros(file, 40);
	tree_init(&tree, source);
	cr_assert_eq(tree_open(&tree, base, NULL), TEG_OK);
	cr_assert_eq(tree_apply(&tree, edits, n, NULL), TEG_OK);
	cr_assert_eq(tree_write(&tree, files->n, 40, file, &root, NULL), TEG_OK);
	files->n++;
	tree_release(&tree);
	return root;
}

/* The naive model: keys are numbers below KEYS, values as long as their seed says. */
#define KEYS 3000

struct model {
	uint32_t value[KEYS]; /* 0: absent */
};

static struct span key_bytes(uint32_t key, uint8_t room[8])
{
	room[0] = (uint8_t) "ASV"[key % 3];
	for (int i = 0; i < 4; i++)
		room[1 + i] = (uint8_t)(key >> (24 - 8 * i));
	return span_of(room, 5 + key % 3);
}

static struct span value_bytes(uint32_t value, uint8_t room[400])
{
	struct rng rng = { value };
	size_t len = 4 + value % 300;

	store_u32(room, value);
	rng_fill(&rng, room + 4, len);
	return span_of(room, len);
}

struct batch {
	struct tree_edit edits[KEYS];
	uint8_t keys[KEYS][8], values[KEYS][400];
	size_t n;
};

static int by_key(const void *a, const void *b)
{
	return span_compare(((const struct tree_edit *)a)->key, ((const struct tree_edit *)b)->key);
}

static void random_batch(struct batch *batch, struct model *model, struct rng *rng, size_t n,
                         unsigned deletes_of_ten)
{
	bool used[KEYS] = { false };

	batch->n = 0;
	memset(batch->keys, 0, sizeof batch->keys);
	for (size_t i = 0; i < n; i++) {
		uint32_t key = (uint32_t)rng_below(rng, KEYS);
		bool gone = rng_below(rng, 10) < deletes_of_ten;
		size_t at = batch->n;

		if (used[key])
			continue;
		used[key] = true;
		model->value[key] = gone ? 0 : 1 + (uint32_t)rng_below(rng, 1u << 30);
		batch->edits[at].key = key_bytes(key, batch->keys[at]);
		batch->edits[at].value = gone ? (struct span){ NULL, 0 }
		                              : value_bytes(model->value[key], batch->values[at]);
		batch->n++;
	}
	qsort(batch->edits, batch->n, sizeof *batch->edits, by_key);
}

/* Everything in order, then each key by itself, present or not, and floors. */
static void check(const struct page_source *source, const struct page_ref *root,
                  const struct model *model)
{
	struct cursor c;
	size_t n = 0, present = 0;
	uint8_t last[8] = { 0 }, room[8], value[400];
	size_t last_len = 0;

	cursor_init(&c, source, root);
	cr_assert_eq(cursor_seek(&c, (struct span){ NULL, 0 }, NULL), TEG_OK);
	for (; c.valid; n++) {
		struct page_entry entry = cursor_entry(&c);

		cr_assert(!n || span_compare(span_of(last, last_len), entry.key) < 0);
		memcpy(last, entry.key.at, entry.key.len);
		last_len = entry.key.len;
		cr_assert_eq(cursor_next(&c, NULL), TEG_OK);
	}
	for (uint32_t key = 0; key < KEYS; key++) {
		struct span k;

		memset(room, 0, sizeof room);
		k = key_bytes(key, room);
		cr_assert_eq(cursor_find(&c, k, NULL), model->value[key] ? TEG_OK : TEG_NOT_FOUND);
		if (!model->value[key])
			continue;
		present++;
		cr_assert(
			span_equal(cursor_entry(&c).value, value_bytes(model->value[key], value)));
		cr_assert_eq(cursor_floor(&c, k, NULL), TEG_OK);
		cr_assert(c.valid && span_equal(cursor_entry(&c).key, k));
	}
	cr_assert_eq(n, present);
	cursor_release(&c);
}

Test(tree, agrees_with_a_naive_model_and_old_roots_stay_readable) /* CAT-1 CAT-2 */
{
	static struct files files;
	static struct batch batch;
	static struct model models[24];
	struct page_ref roots[24];
	struct page_source source;
	struct rng rng = { 7 };

	files_init(&files, &source);
	for (int i = 0; i < 24; i++) {
		size_t n = i % 3 ? 1 + rng_below(&rng, 20) : rng_below(&rng, 1500);

		if (i)
			models[i] = models[i - 1];
		random_batch(&batch, &models[i], &rng, n, i % 5 == 4 ? 9 : 2);
		roots[i] = commit(&files, &source, i ? &roots[i - 1] : NULL, batch.edits, batch.n);
	}
	for (int i = 0; i < 24; i += 3)
		check(&source, &roots[i], &models[i]);
	check(&source, &roots[23], &models[23]);
	files_release(&files);
}

Test(tree, may_become_empty_again)
{
	static struct files files;
	static struct batch batch;
	static struct model model;
	struct page_source source;
	struct rng rng = { 3 };
	struct page_ref root;
	struct cursor c;

	files_init(&files, &source);
	random_batch(&batch, &model, &rng, 2000, 0);
	root = commit(&files, &source, NULL, batch.edits, batch.n);
	for (size_t i = 0; i < batch.n; i++)
		batch.edits[i].value.at = NULL;
	root = commit(&files, &source, &root, batch.edits, batch.n);
	cr_assert_eq(root.len, PAGE_HEADER_LEN);
	cursor_init(&c, &source, &root);
	cr_assert_eq(cursor_seek(&c, span_of("", 0), NULL), TEG_OK);
	cr_assert_not(c.valid);
	cr_assert_eq(cursor_floor(&c, span_of("Z", 1), NULL), TEG_OK);
	cr_assert_not(c.valid);
	cursor_release(&c);
	files_release(&files);
}

/* Sums the pages that a root reaches. */
static uint64_t reach(const struct page_source *source, const struct page_ref *ref, uint64_t *live)
{
	struct buf bytes;
	struct page page;
	uint64_t n = 1;

	buf_init(&bytes, source->alloc, PAGE_LEN_LIMIT);
	cr_assert_eq(catalog_load(source, ref, NULL, 0, &bytes, &page, NULL), TEG_OK);
	live[ref->manifest] += ref->len;
	for (uint32_t i = 0; page.level && i < page.n; i++) {
		struct page_ref below = page_ref_load(page_at(&page, i).value.at);

		n += reach(source, &below, live);
	}
	buf_release(&bytes);
	return n;
}

Test(tree, says_which_pages_it_no_longer_uses_and_moves_those_it_is_told) /* CAT-3 MAN-20 */
{
	static struct files files;
	static struct batch batch;
	static struct model model;
	static uint64_t live[FILES_MAX], counted[FILES_MAX];
	struct page_source source;
	struct page_ref root, old;
	struct rng rng = { 11 };

	files_init(&files, &source);
	random_batch(&batch, &model, &rng, 2500, 0);
	root = commit(&files, &source, NULL, batch.edits, batch.n);
	counted[0] = files.file[0].len - 40;
	for (int i = 0; i < 500; i++) {
		struct tree tree;
		struct buf *file = &files.file[files.n];
		struct buf bytes;
		struct page page;

		random_batch(&batch, &model, &rng, 1 + rng_below(&rng, 4), 4);
		tree_init(&tree, &source);
		buf_init(file, &files.mem.alloc, BUF_NO_LIMIT);
		buf_init(&bytes, &files.mem.alloc, PAGE_LEN_LIMIT);
		cr_assert_eq(tree_open(&tree, &root, NULL), TEG_OK);
		cr_assert_eq(tree_apply(&tree, batch.edits, batch.n, NULL), TEG_OK);
		/* Move one page of the first file: walk its pages as a migration does. */
		for (size_t off = 40; i % 2 && off < files.file[0].len; off += old.len) {
			uint8_t *at = files.file[0].at + off;

			old = (struct page_ref){ 0, off, load_u32(at + 4), 0 };
			old.hash = hash_bytes(span_of(at, old.len));
			cr_assert_eq(page_parse(span_of(at, old.len), &page, NULL), TEG_OK);
			cr_assert_eq(tree_touch(&tree, &old, page.level, page_key(&page, 0), NULL),
			             TEG_OK);
			if (rng_below(&rng, 8) == 0)
				break;
		}
		cr_assert_eq(tree_write(&tree, files.n, 0, file, &root, NULL), TEG_OK);
		counted[files.n] = file->len;
		for (size_t f = 0; f < tree.n_freed; f++)
			counted[tree.freed[f].manifest] -= tree.freed[f].len;
		files.n++;
		tree_release(&tree);
		buf_release(&bytes);
	}
	reach(&source, &root, live);
	cr_assert_arr_eq(live, counted, sizeof live);
	cr_assert_eq(live[0], 0, "the first file was moved away page by page");
	check(&source, &root, &model);
	files_release(&files);
}

Test(tree, keeps_pages_full_enough_over_many_small_commits) /* CAT-4 */
{
	static struct files files;
	static uint64_t live[FILES_MAX];
	struct page_source source;
	struct page_ref root;
	uint64_t total = 0, pages;

	files_init(&files, &source);
	root = commit(&files, &source, NULL, NULL, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		uint8_t key[8] = { 'V', 0, 0, (uint8_t)(i >> 8), (uint8_t)i }, value[100] = { 1 };
		struct tree_edit edit = { span_of(key, 5), span_of(value, sizeof value) };

		root = commit(&files, &source, &root, &edit, 1);
	}
	pages = reach(&source, &root, live);
	for (uint64_t i = 0; i < files.n; i++)
		total += live[i];
	cr_assert_lt(total, 1000 * 113 * 22 / 10, "%llu bytes", (unsigned long long)total);
	cr_assert_lt(pages, 124, "%llu pages", (unsigned long long)pages);
	files_release(&files);
}

Test(tree, takes_entries_larger_than_a_page)
{
	static struct files files;
	struct page_source source;
	static uint8_t large[100000] = { 9 };
	struct tree_edit edits[] = {
		{ span_of("A1", 2), span_of("x", 1) },
		{ span_of("A2", 2), span_of(large, sizeof large) },
		{ span_of("A3", 2), span_of("z", 1) },
	};
	struct page_ref root;
	struct cursor c;

	files_init(&files, &source);
	root = commit(&files, &source, NULL, edits, 3);
	cursor_init(&c, &source, &root);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(cursor_find(&c, edits[i].key, NULL), TEG_OK);
		cr_assert(span_equal(cursor_entry(&c).value, edits[i].value));
	}
	cursor_release(&c);
	files_release(&files);
}

struct oom {
	struct files *files;
	struct page_ref root;
	struct batch *batch;
};

static teg_status edit_once(const teg_allocator *alloc, void *ctx)
{
	struct oom *oom = ctx;
	struct page_source source = { read_page, oom->files, alloc };
	struct tree tree;
	struct buf out;
	struct page_ref root;
	teg_status status;

	tree_init(&tree, &source);
	buf_init(&out, alloc, BUF_NO_LIMIT);
	TEG_DO(tree_open(&tree, &oom->root, NULL));
	TEG_DO(tree_apply(&tree, oom->batch->edits, oom->batch->n, NULL));
	TEG_DO(tree_write(&tree, 1, 0, &out, &root, NULL));
done:
	tree_release(&tree);
	buf_release(&out);
	return status;
}

Test(tree, survives_every_failed_allocation)
{
	static struct files files;
	static struct batch batch;
	static struct model model;
	struct page_source source;
	struct rng rng = { 5 };
	struct oom oom = { &files, { 0 }, &batch };

	files_init(&files, &source);
	random_batch(&batch, &model, &rng, 1500, 0);
	oom.root = commit(&files, &source, NULL, batch.edits, batch.n);
	random_batch(&batch, &model, &rng, 4, 5);
	memory_fail_each(edit_once, &oom);
	files_release(&files);
}

/* ---- pages that no writer makes ---- */

static void put_page(struct buf *out, uint8_t level, uint32_t n, const uint32_t *slots,
                     struct span data)
{
	buf_u8(out, 'P');
	buf_u8(out, level);
	buf_u16(out, 0);
	buf_u32(out, (uint32_t)(12 + 8 * n + data.len));
	buf_u32(out, n);
	for (uint32_t i = 0; i < 2 * n; i++)
		buf_u32(out, slots[i]);
	buf_append_span(out, data);
}

static const struct {
	const char *why;
	uint8_t level;
	uint32_t n, slots[6];
	const char *data;
} refused[] = {
	{ "keys equal", 0, 2, { 1, 2, 3, 4 }, "axay" },
	{ "keys descending", 0, 2, { 1, 2, 3, 4 }, "bxay" },
	{ "slot goes back", 0, 2, { 1, 2, 1, 4 }, "axby" },
	{ "slot beyond the page", 0, 1, { 1, 9 }, "ax" },
	{ "bytes left over", 0, 1, { 1, 1 }, "ax" },
	{ "no entries above level 0", 1, 0, { 0 }, "" },
	{ "a reference cut short", 1, 1, { 1, 3 }, "axx" },
	{ "level too high", 16, 1, { 1, 2 }, "ax" },
};

Test(page, refuses_what_no_writer_makes) /* CPAGE-2 CPAGE-3 CPAGE-4 */
{
	struct memory mem;
	struct buf out;
	struct page page;

	memory_init(&mem);
	buf_init(&out, &mem.alloc, BUF_NO_LIMIT);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		buf_clear(&out);
		put_page(&out, refused[i].level, refused[i].n, refused[i].slots,
		         span_of_text(refused[i].data));
		cr_assert_eq(page_parse(buf_span(&out), &page, NULL), TEG_CORRUPT, "%s",
		             refused[i].why);
	}
	/* A count that would not fit in the page must not be believed. */
	buf_clear(&out);
	put_page(&out, 0, 1, (uint32_t[]){ 1, 2 }, span_of_text("ax"));
	store_u32(out.at + 8, 0x20000002);
	cr_assert_eq(page_parse(buf_span(&out), &page, NULL), TEG_CORRUPT);
	buf_release(&out);
	memory_check(&mem);
}

Test(page, never_reads_outside_whatever_the_bytes) /* CPAGE-2 */
{
	struct memory mem;
	struct buf good;
	struct page_entry entries[] = { { span_of("A1", 2), span_of("xyz", 3) },
		                        { span_of("B", 1), span_of("", 0) } };
	struct page page;

	memory_init(&mem);
	buf_init(&good, &mem.alloc, BUF_NO_LIMIT);
	page_put(0, entries, 2, &good);
	cr_assert_eq(page_parse(buf_span(&good), &page, NULL), TEG_OK);
	for (size_t bit = 0; bit < good.len * 8; bit++) {
		good.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (page_parse(buf_span(&good), &page, NULL) == TEG_OK)
			for (uint32_t i = 0; i < page.n; i++)
				cr_assert_leq(page_at(&page, i).value.len, good.len);
		good.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	for (size_t len = 0; len < good.len; len++)
		cr_assert_eq(page_parse(span_of(good.at, len), &page, NULL), TEG_CORRUPT);
	buf_release(&good);
	memory_check(&mem);
}
