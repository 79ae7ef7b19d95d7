#include "codec/msgpack/pack.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"
#include <criterion/criterion.h>

/* ---- what goes in comes out ---- */

static const int64_t signed_values[] = { 0,
	                                 1,
	                                 127,
	                                 128,
	                                 255,
	                                 256,
	                                 65535,
	                                 65536,
	                                 UINT32_MAX,
	                                 INT64_MAX,
	                                 -1,
	                                 -32,
	                                 -33,
	                                 -128,
	                                 -129,
	                                 -32768,
	                                 -32769,
	                                 INT32_MIN,
	                                 (int64_t)INT32_MIN - 1,
	                                 INT64_MIN };

Test(pack, integers_come_back_and_are_shortest) /* PACK-3 */
{
	for (size_t i = 0; i < sizeof signed_values / sizeof *signed_values; i++) {
		const struct node *node;
		struct memory mem;
		struct arena arena;
		struct buf out;
		int64_t back = 77;

		memory_init(&mem);
		buf_init(&out, &mem.alloc, BUF_NO_LIMIT);
		arena_init(&arena, &mem.alloc, SIZE_MAX);
		pack_i64(&out, signed_values[i]);
		cr_assert_eq(node_parse(buf_span(&out), "n", &arena, &node, NULL), TEG_OK);
		cr_assert(node_i64(node, &back));
		cr_assert_eq(back, signed_values[i]);
		arena_release(&arena);
		buf_release(&out);
		memory_check(&mem);
	}
}

static void put_example(struct buf *out)
{
	pack_map(out, 5);
	pack_key(out, "n");
	pack_u64(out, UINT64_MAX);
	pack_key(out, "name");
	pack_text(out, span_of_text("JFK"));
	pack_key(out, "raw");
	pack_bytes(out, span_of("\xff\0", 2));
	pack_key(out, "none");
	pack_nil(out);
	pack_key(out, "list");
	pack_array(out, 4);
	pack_bool(out, true);
	pack_bool(out, false);
	pack_text(out, span_of_text(""));
	pack_map(out, 0);
}

static void check_example(const struct node *root)
{
	const struct node *items;
	struct span span;
	uint32_t n;
	uint64_t u;
	bool b;

	cr_assert(node_u64(node_get(root, "n"), UINT64_MAX, &u));
	cr_assert_eq(u, UINT64_MAX);
	cr_assert(node_text(node_get(root, "name"), &span));
	cr_assert(span_equal(span, span_of_text("JFK")));
	cr_assert(node_bytes(node_get(root, "raw"), &span));
	cr_assert(span_equal(span, span_of("\xff\0", 2)));
	cr_assert_eq(node_get(root, "none")->type, NODE_NIL);
	cr_assert(node_array(node_get(root, "list"), 4, &items, &n));
	cr_assert_eq(n, 4);
	cr_assert(node_bool(&items[0], &b) && b);
	cr_assert(node_bool(&items[1], &b) && !b);
	cr_assert(node_text(&items[2], &span) && span.len == 0 && span.at);
	cr_assert_eq(items[3].type, NODE_MAP);
	cr_assert_null(node_get(root, "other"));
	cr_assert_null(node_get(NULL, "n"));
	cr_assert_null(node_get(&items[0], "n"));
}

Test(pack, a_map_comes_back)
{
	const struct node *root;
	struct memory mem;
	struct arena arena;
	struct buf out;

	memory_init(&mem);
	buf_init(&out, &mem.alloc, BUF_NO_LIMIT);
	arena_init(&arena, &mem.alloc, SIZE_MAX);
	put_example(&out);
	cr_assert_eq(buf_status(&out), TEG_OK);
	cr_assert_eq(node_parse(buf_span(&out), "example", &arena, &root, NULL), TEG_OK);
	check_example(root);
	arena_release(&arena);
	buf_release(&out);
	memory_check(&mem);
}

Test(pack, getters_refuse_other_types_and_ranges)
{
	struct node u = { .type = NODE_UNSIGNED, .as.u = (uint64_t)INT64_MAX + 1 };
	struct node s = { .type = NODE_SIGNED, .as.i = -5 };
	struct node list = { .type = NODE_ARRAY, .n = 3 };
	const struct node *items;
	struct span span = { NULL, 9 };
	uint64_t u_out = 7;
	int64_t i_out = 7;
	uint32_t n_out;
	bool b_out;

	cr_assert_not(node_u64(&u, 100, &u_out));
	cr_assert_not(node_u64(&s, UINT64_MAX, &u_out));
	cr_assert_not(node_i64(&u, &i_out));
	cr_assert_not(node_i64(NULL, &i_out));
	cr_assert_not(node_bool(&u, &b_out));
	cr_assert_not(node_text(&u, &span));
	cr_assert_not(node_bytes(&list, &span));
	cr_assert_not(node_array(&list, 2, &items, &n_out));
	cr_assert_eq(u_out, 7);
	cr_assert_eq(i_out, 7);
	cr_assert_eq(span.len, 9);
}

/* ---- what no writer makes ---- */

static const struct {
	const char *why;
	size_t len;
	const char *bytes;
	int64_t offset; /* that the error names */
} refused[] = {
	{ "nothing", 0, "", 0 },                                                 /* PACK-1 */
	{ "left over", 2, "\xc0\xc0", 1 },                                       /* PACK-1 */
	{ "float32", 5, "\xca\0\0\0\0", 1 },                                     /* PACK-2 */
	{ "float64", 9, "\xcb\0\0\0\0\0\0\0\0", 1 },                             /* PACK-2 */
	{ "ext", 3, "\xd4\1\1", 1 },                                             /* PACK-2 */
	{ "ext 32", 7, "\xc9\0\0\0\1\1\1", 1 },                                  /* PACK-2 */
	{ "never used", 1, "\xc1", 1 },                                          /* PACK-2 */
	{ "long uint8", 2, "\xcc\x7f", 2 },                                      /* PACK-3 */
	{ "long uint64", 9, "\xcf\0\0\0\0\xff\xff\xff\xff", 9 },                 /* PACK-3 */
	{ "long int8", 2, "\xd0\xe0", 2 },                                       /* PACK-3 */
	{ "positive int16", 3, "\xd1\x7f\xff", 3 },                              /* PACK-3 */
	{ "long int64", 9, "\xd3\xff\xff\xff\xff\x80\0\0\0", 9 },                /* PACK-3 */
	{ "long str8", 3, "\xd9\1x", 2 },                                        /* PACK-3 */
	{ "long bin16", 4, "\xc5\0\1x", 3 },                                     /* PACK-3 */
	{ "long array16", 4, "\xdc\0\1\1", 3 },                                  /* PACK-3 */
	{ "long map32", 7, "\xdf\0\0\0\1\xa1x", 5 },                             /* PACK-3 */
	{ "key is a number", 3, "\x81\1\1", 2 },                                 /* PACK-4 */
	{ "key is a list", 3, "\x81\x90\1", 2 },                                 /* PACK-4 */
	{ "key twice", 7, "\x82\xa1k\1\xa1k\2", 6 },                             /* PACK-4 */
	{ "nested nine deep", 10, "\x91\x91\x91\x91\x91\x91\x91\x91\x91\1", 9 }, /* PACK-5 */
	{ "not UTF-8", 2, "\xa1\xff", 2 },                                       /* PACK-6 */
	{ "cut off text", 3, "\xa5xy", 1 },                                      /* PACK-7 X18 */
	{ "text of 4 GiB", 6, "\xdb\xff\xff\xff\xffx", 5 },                      /* PACK-7 X18 */
	{ "bytes of 4 GiB", 6, "\xc6\xff\xff\xff\xffx", 5 },                     /* PACK-7 X18 */
	{ "list of 4 Gi values", 6, "\xdd\xff\xff\xff\xff\1", 5 },               /* PACK-7 X18 */
	{ "map of 4 Gi pairs", 6, "\xdf\xff\xff\xff\xff\1", 5 },                 /* PACK-7 X18 */
	{ "map of half what is left", 4, "\x82\xa1k\1", 1 },                     /* PACK-7 X18 */
	{ "count without a byte of it", 3, "\xdd\xff\xff", 1 },                  /* PACK-7 X18 */
	{ "cut off number", 4, "\xce\0\1\2", 1 },                                /* PACK-7 */
};

Test(pack, refuses_what_no_writer_makes_and_allocates_nothing) /* X18 */
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct span bytes = span_of(refused[i].bytes, refused[i].len);
		const struct node *root = NULL;
		struct memory mem;
		struct arena arena;
		teg_error err = { .offset = -7 };

		memory_init(&mem);
		arena_init(&arena, &mem.alloc, SIZE_MAX);
		cr_assert_eq(guard_check(bytes, "footer", &err), TEG_CORRUPT, "%s", refused[i].why);
		cr_assert_eq(err.offset, refused[i].offset, "%s: %lld", refused[i].why,
		             (long long)err.offset);
		cr_assert(strstr(err.message, "footer"), "%s", refused[i].why);
		cr_assert_eq(node_parse(bytes, "footer", &arena, &root, NULL), TEG_CORRUPT);
		cr_assert_null(root);
		cr_assert_eq(mem.n_requests, 0, "%s", refused[i].why);
		arena_release(&arena);
	}
}

Test(pack, too_many_values_or_pairs_are_refused) /* PACK-4 PACK-5 */
{
	struct memory mem;
	struct buf out;
	teg_error err;

	memory_init(&mem);
	buf_init(&out, &mem.alloc, BUF_NO_LIMIT);
	pack_array(&out, PACK_NODES_MAX - 1);
	for (uint32_t i = 0; i < PACK_NODES_MAX - 1; i++)
		buf_u8(&out, 0xc0);
	cr_assert_eq(guard_check(buf_span(&out), "big", NULL), TEG_OK);
	buf_clear(&out);
	pack_array(&out, PACK_NODES_MAX);
	for (uint32_t i = 0; i < PACK_NODES_MAX; i++)
		buf_u8(&out, 0xc0);
	cr_assert_eq(guard_check(buf_span(&out), "big", &err), TEG_CORRUPT);
	buf_clear(&out);
	pack_map(&out, PACK_PAIRS_MAX + 1);
	buf_zeros(&out, 1000);
	cr_assert_eq(guard_check(buf_span(&out), "wide", &err), TEG_CORRUPT);
	cr_assert(strstr(err.message, "pairs"));
	buf_release(&out);
	memory_check(&mem);
}

Test(pack, every_cut_and_every_flip_of_an_example_ends_well) /* X18 */
{
	struct rng rng = { 7 };
	struct memory mem;
	struct arena arena;
	struct buf out;

	memory_init(&mem);
	buf_init(&out, &mem.alloc, BUF_NO_LIMIT);
	put_example(&out);
	for (size_t i = 0; i < out.len; i++)
		cr_assert_eq(guard_check(span_of(out.at, i), "cut", NULL), TEG_CORRUPT, "%zu", i);
	for (size_t i = 0; i < out.len * 255; i++) {
		const struct node *root;
		uint8_t kept = out.at[i / 255];
		teg_status guarded;

		out.at[i / 255] = (uint8_t)(kept + 1 + rng_below(&rng, 255));
		arena_init(&arena, &mem.alloc, SIZE_MAX);
		guarded = guard_check(buf_span(&out), "flip", NULL);
		cr_assert_eq(node_parse(buf_span(&out), "flip", &arena, &root, NULL), guarded);
		arena_release(&arena);
		out.at[i / 255] = kept;
	}
	buf_release(&out);
	memory_check(&mem);
}

/* ---- memory ---- */

static teg_status pack_and_parse(const teg_allocator *alloc, void *ctx)
{
	const struct node *root;
	struct arena arena;
	struct buf out;
	teg_status status;

	(void)ctx;
	buf_init(&out, alloc, BUF_NO_LIMIT);
	arena_init(&arena, alloc, SIZE_MAX);
	pack_array(&out, 1000);
	for (int i = 0; i < 1000; i++)
		pack_i64(&out, i);
	TEG_DO(buf_status(&out));
	TEG_DO(node_parse(buf_span(&out), "list", &arena, &root, NULL));
done:
	arena_release(&arena);
	buf_release(&out);
	return status;
}

Test(pack, every_failed_allocation_is_reported)
{
	cr_assert_gt(memory_fail_each(pack_and_parse, NULL), 2);
}

Test(pack, a_full_buffer_is_a_limit)
{
	struct memory mem;
	struct buf out;

	memory_init(&mem);
	buf_init(&out, &mem.alloc, 4);
	pack_text(&out, span_of_text("hello"));
	cr_assert_eq(buf_status(&out), TEG_LIMIT);
	buf_clear(&out);
	pack_bytes(&out, span_of("x", (size_t)UINT32_MAX + 1));
	cr_assert_eq(buf_status(&out), TEG_LIMIT);
	cr_assert_eq(out.len, 0);
	buf_release(&out);
	memory_check(&mem);
}
