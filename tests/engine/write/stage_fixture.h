/* What the tests of staging share: two schemas, rows of them, and columns that fit. */
#ifndef TEG_TESTS_ENGINE_WRITE_STAGE_FIXTURE_H
#define TEG_TESTS_ENGINE_WRITE_STAGE_FIXTURE_H
#include "engine/write/stage.h"
#include "tests/support/memory.h"
#include <criterion/criterion.h>
#include <math.h>

#define I64(v)                                 \
	{                                      \
		.type = TEG_INT64, .as.i = (v) \
	}
#define TEXT(t)                                                     \
	{                                                           \
		.type = TEG_UTF8, .as.bytes = {(t), sizeof(t) - 1 } \
	}

static const teg_dimension dims[] = {
	{ "x", { .type = TEG_INT32 }, I64(0), I64(99), 0, NULL, 0 },
	{ .name = "f", .type = { .type = TEG_FLOAT64 } },
};
static const teg_attribute attrs[] = {
	{ .name = "a", .type = { .type = TEG_FLOAT64 } },
	{ .name = "s", .type = { .type = TEG_UTF8 }, .nullable = true },
};

static struct memory mem;
static struct arena arena;

static inline void set_up(void)
{
	memory_init(&mem);
	arena_init(&arena, &mem.alloc, SIZE_MAX);
}

static inline void tear_down(void)
{
	arena_release(&arena);
	memory_check(&mem);
}

static inline const struct schema *schema_of(teg_kind kind, const teg_dimension *d, size_t n_dims,
                                             const teg_attribute *a, size_t n_attrs)
{
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = kind,
		          .valid_time = true,
		          .dimensions = d,
		          .n_dimensions = n_dims,
		          .attributes = a,
		          .n_attributes = n_attrs };
	const struct schema *schema;
	teg_error err = { 0 };

	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, &err), TEG_OK, "%s", err.message);
	return schema;
}

static inline const struct schema *sparse_schema(void)
{
	return schema_of(TEG_SPARSE, dims, 2, attrs, 2);
}

static inline const struct schema *table_of(teg_data_type type, bool nullable)
{
	teg_attribute *a = arena_alloc(&arena, sizeof *a);

	*a = (teg_attribute){ .name = "a", .type = type, .nullable = nullable };
	return schema_of(TEG_TABLE, NULL, 0, a, 1);
}

static inline struct rows rows_of_schema(const struct schema *schema, const teg_allocator *alloc)
{
	struct rows rows;

	if (rows_init(&rows, schema, alloc, NULL) != TEG_OK)
		rows.schema = NULL;
	return rows;
}

static inline teg_status put(struct rows *rows, const teg_column *columns, size_t n_columns,
                             size_t n_rows, const teg_put_options *options, teg_error *err)
{
	struct stage_options with = { .put = options };

	return stage_columns(rows, columns, n_columns, n_rows, &with, err);
}

/* One column "a" of a table. */
static inline teg_status put_a(const struct schema *schema, const teg_column *column, size_t n,
                               struct rows *rows, teg_error *err)
{
	*rows = rows_of_schema(schema, &mem.alloc);
	return put(rows, column, 1, n, NULL, err);
}

static inline uint64_t bits_of(const struct column_buf *c, size_t i)
{
	uint64_t bits = 0;

	memcpy(&bits, c->values + i * c->width, c->width < 8 ? c->width : 8);
	return bits;
}

static const int32_t xs[] = { 1, 2, 3 };
static const double fs[] = { 0.5, -0.0, INFINITY };
static const double as[] = { 1, 2, 3 };
static const char texts[] = "JFKLGA";
static const int32_t ends[] = { 0, 3, 3, 6 };
static const uint8_t middle_null[] = { 0x05 };

static const teg_column good[] = {
	{ .name = "s", .values = texts, .offsets = ends, .validity = middle_null },
	{ .name = "x", .values = xs },
	{ .name = "a", .values = as },
	{ .name = "f", .values = fs },
};
#endif
