#include "engine/arrow/import.h"
#include "engine/arrow/format.h"
#include "tests/support/scrap.h"
#include <criterion/criterion.h>

TestSuite(import, .init = scrap_init, .fini = scrap_release);

/* ---- formats ---- */

static const struct {
	const char *format;
	teg_data_type type; /* type 0: refused */
	const char *name;   /* of refused ones */
} formats[] = {
	{ "b", { .type = TEG_BOOL }, "" },
	{ "L", { .type = TEG_UINT64 }, "" },
	{ "e", { .type = TEG_FLOAT16 }, "" },
	{ "U", { .type = TEG_UTF8 }, "" },
	{ "vz", { .type = TEG_BYTES }, "" },
	{ "tdD", { .type = TEG_DATE32 }, "" },
	{ "tsn:", { .type = TEG_TIMESTAMP, .unit = TEG_NANO }, "" },
	{ "tsu:Europe/Berlin",
	  { .type = TEG_TIMESTAMP, .unit = TEG_MICRO, .zone = "Europe/Berlin" },
	  "" },
	{ "tDm", { .type = TEG_DURATION, .unit = TEG_MILLI }, "" },
	{ "d:10,2", { .type = TEG_DECIMAL128, .precision = 10, .scale = 2 }, "" },
	{ "d:38,-5,128", { .type = TEG_DECIMAL128, .precision = 38, .scale = -5 }, "" },
	{ "w:16", { .type = TEG_FIXED_BYTES, .fixed_len = 16 }, "" },
	{ "d:10,2,256", { 0 }, "decimal (of another width than 128)" },
	{ "d:39,2", { 0 }, "decimal (of another width than 128)" },
	{ "d:10", { 0 }, "decimal (of another width than 128)" },
	{ "w:0", { 0 }, "fixed-size bytes (of that length)" },
	{ "w:99999999999999999999", { 0 }, "fixed-size bytes (of that length)" },
	{ "n", { 0 }, "null" },
	{ "tdm", { 0 }, "date64" },
	{ "ttu", { 0 }, "time64[us]" },
	{ "tiM", { 0 }, "interval" },
	{ "tsx:", { 0 }, "tsx:" },
	{ "ts", { 0 }, "ts" },
	{ "tD", { 0 }, "tD" },
	{ "t", { 0 }, "t" },
	{ "+l", { .type = TEG_LIST }, "" },
	{ "+L", { .type = TEG_LIST }, "" },
	{ "+w:12", { .type = TEG_FIXED_LIST, .list_size = 12 }, "" },
	{ "+s", { .type = TEG_STRUCT }, "" },
	{ "+vl", { 0 }, "list view" },
	{ "+w:x", { 0 }, "fixed-size list" },
	{ "+m", { 0 }, "map" },
	{ "+ud:0,1", { 0 }, "union" },
	{ "+r", { 0 }, "run-end encoded" },
	{ "", { 0 }, "" },
};

Test(import, formats_both_ways) /* B16 */
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		bool ours = formats[i].type.type != 0;
		struct ArrowSchema field = { .format = formats[i].format,
			                     .name = "c",
			                     .flags = ARROW_FLAG_NULLABLE };
		char again[ARROW_FORMAT_MAX];
		teg_data_type back;
		teg_attribute as;
		teg_error err;

		cr_assert_eq(teg_attribute_from_arrow(&field, &as, &err),
		             ours ? TEG_OK : TEG_UNSUPPORTED, "%s", formats[i].format);
		if (!ours) {
			cr_assert_str_eq(err.column, "c");
			cr_assert(strstr(err.message, formats[i].name), "%s", err.message);
			continue;
		}
		cr_assert(type_equal(&as.type, &formats[i].type), "%s", formats[i].format);
		cr_assert(as.nullable);
		arrow_format(&as.type, again);
		cr_assert(arrow_type(again, &back) || arrow_nested_type(again, &back), "%s", again);
		cr_assert(type_equal(&back, &as.type), "%s", again);
	}
}

/* ---- metadata ---- */

Test(import, metadata_is_decoded) /* H15 */
{
	static const char encoded[] = "\2\0\0\0\1\0\0\0k\2\0\0\0v\0\0\0\0\0\3\0\0\0abc";
	static const char negative[] = "\1\0\0\0\377\377\377\377";
	static const char below_zero[] = "\377\377\377\377";
	const teg_metadata *pairs;
	size_t n;

	cr_assert_eq(import_metadata(encoded, &arena, &pairs, &n, NULL), TEG_OK);
	cr_assert_eq(n, 2);
	cr_assert_eq(pairs[0].value_len, 2);
	cr_assert_arr_eq(pairs[0].value, "v\0", 2);
	cr_assert_eq(pairs[1].key_len, 0);
	cr_assert_arr_eq(pairs[1].value, "abc", 3);
	cr_assert_eq(import_metadata(NULL, &arena, &pairs, &n, NULL), TEG_OK);
	cr_assert_eq(n, 0);
	cr_assert_eq(import_metadata(negative, &arena, &pairs, &n, NULL), TEG_SCHEMA);
	cr_assert_eq(import_metadata(below_zero, &arena, &pairs, &n, NULL), TEG_SCHEMA);
}

/* ---- batches by hand ---- */

static void release_schema(struct ArrowSchema *schema)
{
	schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
	array->release = NULL;
}

/* A batch of one child, whose pieces a test may bend. */
struct single {
	struct ArrowSchema schema, field, values;
	struct ArrowArray batch, child, dictionary;
	struct ArrowSchema *fields[1];
	struct ArrowArray *children[1];
	const void *root_buffers[1], *buffers[5], *dictionary_buffers[3];
};

static void make_single(struct single *s, const char *format, int64_t length)
{
	memset(s, 0, sizeof *s);
	s->fields[0] = &s->field;
	s->children[0] = &s->child;
	s->schema = (struct ArrowSchema){
		.format = "+s", .n_children = 1, .children = s->fields, .release = release_schema
	};
	s->field = (struct ArrowSchema){ .format = format, .name = "c", .release = release_schema };
	s->batch = (struct ArrowArray){ .length = length,
		                        .n_buffers = 1,
		                        .buffers = s->root_buffers,
		                        .n_children = 1,
		                        .children = s->children,
		                        .release = release_array };
	s->child = (struct ArrowArray){
		.length = length, .n_buffers = 2, .buffers = s->buffers, .release = release_array
	};
}

static void add_dictionary(struct single *s, const char *format, int64_t length)
{
	s->values = (struct ArrowSchema){ .format = format, .release = release_schema };
	s->field.dictionary = &s->values;
	s->dictionary = (struct ArrowArray){ .length = length,
		                             .n_buffers = 3,
		                             .buffers = s->dictionary_buffers,
		                             .release = release_array };
	s->child.dictionary = &s->dictionary;
}

static const int32_t numbers[] = { 10, 11, 12, 13, 14, 15 };
static const int32_t text_at[] = { 0, 1, 3, 3, 6 };
static const char text[] = "abbccc";

Test(import, a_slice_of_a_slice_points_into_the_batch) /* P4 */
{
	struct single s;
	struct imported in;

	make_single(&s, "i", 2);
	s.buffers[0] = (const uint8_t[]){ 0x2f }; /* value 4 is null */
	s.buffers[1] = numbers;
	s.batch.offset = 1;
	s.batch.length = 2;
	s.child.offset = 2;
	s.child.length = 4;
	s.child.null_count = -1;
	cr_assert_eq(import_batch(&s.schema, &s.batch, &mem.alloc, &in, NULL), TEG_OK);
	cr_assert_eq(in.n_rows, 2);
	cr_assert_eq(in.columns[0].values, &numbers[3]);
	cr_assert(bitmap_get(in.columns[0].validity, in.columns[0].validity_bit));
	cr_assert_not(bitmap_get(in.columns[0].validity, in.columns[0].validity_bit + 1));
	cr_assert_eq(in.columns[0].type.type, TEG_INT32);
	import_release(&in);
	s.batch.length = 4; /* 1 + 4 > 4 */
	cr_assert_eq(import_batch(&s.schema, &s.batch, &mem.alloc, &in, NULL), TEG_SCHEMA); /* H7 */
}

Test(import, bools_become_bytes)
{
	struct single s;
	struct imported in;

	make_single(&s, "b", 10);
	s.buffers[1] = (const uint8_t[]){ 0xa5, 0x02, 0 };
	s.child.offset = 3;
	s.child.length = 10;
	cr_assert_eq(import_batch(&s.schema, &s.batch, &mem.alloc, &in, NULL), TEG_OK);
	for (size_t i = 0; i < 10; i++)
		cr_assert_eq(((const uint8_t *)in.columns[0].values)[i], (0x02a5 >> (i + 3)) & 1);
	import_release(&in);
}

Test(import, dictionaries_become_their_values)
{
	static const int8_t indices[] = { 3, 0, 1, 99, 3 };
	struct single s;
	struct imported in;
	struct column got;

	make_single(&s, "c", 5);
	add_dictionary(&s, "u", 4);
	s.buffers[0] = (const uint8_t[]){ 0x17 }; /* 99 is under a null */
	s.buffers[1] = indices;
	s.child.null_count = 1;
	s.dictionary_buffers[0] = (const uint8_t[]){ 0x0d }; /* "bb" is null */
	s.dictionary_buffers[1] = text_at;
	s.dictionary_buffers[2] = text;
	s.dictionary.null_count = 1;
	cr_assert_eq(import_batch(&s.schema, &s.batch, &mem.alloc, &in, NULL), TEG_OK);
	cr_assert_eq(in.columns[0].type.type, TEG_UTF8);
	got = column_buf_view(&in.decoded[0]);
	cr_assert(span_equal(column_value(&got, 0), span_of_text("ccc")));
	cr_assert(span_equal(column_value(&got, 1), span_of_text("a")));
	cr_assert(column_valid(&got, 1) && !column_valid(&got, 2) && !column_valid(&got, 3));
	import_release(&in);
}

/* Views: a short one in place, a long one in a buffer. */
struct view {
	int32_t len;
	char prefix[4];
	int32_t buffer, off;
};

static void make_views(struct single *s, const struct view *views, int64_t n, const int64_t *sizes)
{
	make_single(s, "vu", n);
	s->child.n_buffers = 4;
	s->buffers[1] = views;
	s->buffers[2] = "xxthirteen chars";
	s->buffers[3] = sizes;
}

static const struct {
	const char *why;
	struct view view;
	int64_t size;
	bool fits;
} views[] = {
	{ "in a buffer", { 14, "thir", 0, 2 }, 16, true },
	{ "negative length", { -1, "", 0, 0 }, 16, false },
	{ "past the end", { 15, "thir", 0, 2 }, 16, false },
	{ "no such buffer", { 14, "thir", 1, 0 }, 16, false },
	{ "negative buffer", { 14, "thir", -1, 0 }, 16, false },
	{ "negative offset", { 14, "thir", 0, -1 }, 16, false },
	{ "huge length", { INT32_MAX, "thir", 0, INT32_MAX }, 16, false },
	{ "empty buffer", { 14, "thir", 0, 0 }, 0, false },
};

Test(import, views_stay_within_their_buffers) /* X18 */
{
	for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
		struct view two[2] = { { 3, "JFK", 0, 0 }, views[i].view };
		int64_t size = views[i].size;
		struct single s;
		struct imported in;
		teg_error err = { .row = -1 };

		make_views(&s, two, 2, &size);
		cr_assert_eq(import_batch(&s.schema, &s.batch, &mem.alloc, &in, &err),
		             views[i].fits ? TEG_OK : TEG_SCHEMA, "%s", views[i].why);
		if (views[i].fits) {
			struct column got = column_buf_view(&in.decoded[0]);

			cr_assert(span_equal(column_value(&got, 0), span_of_text("JFK")));
			cr_assert(
				span_equal(column_value(&got, 1), span_of_text("thirteen chars")));
			import_release(&in);
		} else {
			cr_assert_eq(err.row, 1, "%s", views[i].why);
			cr_assert_str_eq(err.column, "c");
		}
	}
}

static void no_children(struct single *s)
{
	s->batch.n_children = 0;
}
static void released(struct single *s)
{
	s->batch.release = NULL;
}
static void child_released(struct single *s)
{
	s->child.release = NULL;
}
static void not_struct(struct single *s)
{
	s->schema.format = "i";
}
static void negative_length(struct single *s)
{
	s->batch.length = -1;
}
static void negative_offset(struct single *s)
{
	s->child.offset = -1;
}
static void no_values(struct single *s)
{
	s->buffers[1] = NULL;
}
static void no_buffers(struct single *s)
{
	s->child.buffers = NULL;
}
static void few_buffers(struct single *s)
{
	s->child.n_buffers = 1;
}
static void short_child(struct single *s)
{
	s->child.length = 5;
}
static void lost_validity(struct single *s)
{
	s->child.null_count = 1;
}
static void huge_offset(struct single *s)
{
	s->batch.offset = INT64_MAX;
	s->child.offset = INT64_MAX;
}
static void null_rows(struct single *s)
{
	s->root_buffers[0] = "\x3e";
	s->batch.null_count = 1;
}
static void list(struct single *s)
{
	s->field.format = "+l";
}
static void map(struct single *s)
{
	s->field.format = "+m";
}
static void index_of_text(struct single *s)
{
	add_dictionary(s, "u", 4);
	s->field.format = "f";
}
static void lost_dictionary(struct single *s)
{
	add_dictionary(s, "u", 4);
	s->child.dictionary = NULL;
}
static void index_outside(struct single *s)
{
	add_dictionary(s, "u", 4);
	s->dictionary_buffers[1] = text_at;
	s->dictionary_buffers[2] = text;
}
static void twice_a_dictionary(struct single *s)
{
	add_dictionary(s, "u", 4);
	s->values.dictionary = &s->values;
}

static const struct {
	const char *why;
	void (*bend)(struct single *s);
	teg_status status;
} bent[] = {
	{ "no children", no_children, TEG_MISUSE },
	{ "released batch", released, TEG_MISUSE },
	{ "released child", child_released, TEG_MISUSE },
	{ "not a struct", not_struct, TEG_MISUSE },
	{ "negative length", negative_length, TEG_MISUSE },
	{ "negative offset", negative_offset, TEG_MISUSE },
	{ "no values", no_values, TEG_MISUSE },
	{ "no buffers", no_buffers, TEG_MISUSE },
	{ "few buffers", few_buffers, TEG_MISUSE },
	{ "short child", short_child, TEG_SCHEMA }, /* H7 */
	{ "nulls without validity", lost_validity, TEG_MISUSE },
	{ "offsets that overflow", huge_offset, TEG_SCHEMA }, /* X18 */
	{ "null rows", null_rows, TEG_UNSUPPORTED },
	{ "list without a child", list, TEG_MISUSE }, /* B16 */
	{ "map", map, TEG_UNSUPPORTED },              /* B16 */
	{ "float index", index_of_text, TEG_MISUSE },
	{ "dictionary is missing", lost_dictionary, TEG_MISUSE },
	{ "index outside", index_outside, TEG_SCHEMA }, /* X18 */
	{ "dictionary of dictionaries", twice_a_dictionary, TEG_UNSUPPORTED },
};

Test(import, malformed_structs_are_refused) /* X18 */
{
	for (size_t i = 0; i < sizeof bent / sizeof *bent; i++) {
		struct single s;
		struct imported in;
		teg_error err;

		make_single(&s, "i", 6);
		s.buffers[1] = numbers;
		cr_assert_eq(import_batch(&s.schema, &s.batch, &mem.alloc, &in, NULL), TEG_OK);
		import_release(&in);
		bent[i].bend(&s);
		cr_assert_eq(import_batch(&s.schema, &s.batch, &mem.alloc, &in, &err),
		             bent[i].status, "%s: %s", bent[i].why, err.message);
		cr_assert_null(in.columns, "%s", bent[i].why);
	}
}

static teg_status import_dictionary(const teg_allocator *alloc, void *ctx)
{
	static const int8_t indices[] = { 3, 0, 1, 2, 3 };
	struct single s;
	struct imported in;
	teg_status status;

	(void)ctx;
	make_single(&s, "c", 5);
	add_dictionary(&s, "u", 4);
	s.buffers[0] = "\x17";
	s.buffers[1] = indices;
	s.child.null_count = 1;
	s.dictionary_buffers[1] = text_at;
	s.dictionary_buffers[2] = text;
	status = import_batch(&s.schema, &s.batch, alloc, &in, NULL);
	import_release(&in);
	return status;
}

Test(import, every_failed_allocation_is_reported)
{
	cr_assert_gt(memory_fail_each(import_dictionary, NULL), 6);
}

/* ---- declarations ---- */

struct declared {
	struct ArrowSchema schema, field[4];
	struct ArrowSchema *fields[4];
};

static void make_declared(struct declared *d)
{
	static const char *const names[] = { "y", "since", "a", "x" };
	static const char *const types[] = { "i", "tsu:UTC", "u", "l" };

	memset(d, 0, sizeof *d);
	for (int i = 0; i < 4; i++) {
		d->fields[i] = &d->field[i];
		d->field[i] = (struct ArrowSchema){ .format = types[i],
			                            .name = names[i],
			                            .release = release_schema };
	}
	d->field[2].metadata = "\1\0\0\0\1\0\0\0k\1\0\0\0v";
	d->schema = (struct ArrowSchema){ .format = "+s",
		                          .n_children = 4,
		                          .children = d->fields,
		                          .metadata = "\1\0\0\0\1\0\0\0s\0\0\0\0",
		                          .release = release_schema };
}

Test(import, a_schema_declares_an_array) /* H15 */
{
	teg_dimension dims[] = { { .name = "x" }, { .name = "y" } };
	teg_attribute fill = { .name = "a", .fill = { .type = TEG_UTF8, .as.bytes = { "-", 1 } } };
	teg_metadata own = { "o", "p", 1, 1 };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .dimensions = dims,
		          .n_dimensions = 2,
		          .attributes = &fill,
		          .n_attributes = 1,
		          .metadata = &own,
		          .n_metadata = 1 };
	teg_put_options roles = { .struct_size = sizeof roles, .valid_from_column = "since" };
	struct declared d;
	teg_spec out;
	const struct schema *schema;

	make_declared(&d);
	cr_assert_eq(spec_from_arrow(&spec, &d.schema, &roles, &arena, &out, NULL), TEG_OK);
	cr_assert_str_eq(out.dimensions[0].name, "y", "without types, the schema's order");
	cr_assert_eq(out.dimensions[1].type.type, TEG_INT64);
	cr_assert_eq(out.n_attributes, 1);
	cr_assert_str_eq(out.attributes[0].name, "a");
	cr_assert_eq(out.attributes[0].fill.as.bytes.len, 1);
	cr_assert_eq(out.attributes[0].n_metadata, 1);
	cr_assert_eq(out.n_metadata, 2);
	cr_assert_arr_eq(out.metadata[1].key, "s", 1);
	cr_assert_eq(schema_from_spec(&out, &arena, &schema, NULL), TEG_OK);
	dims[0].type.type = TEG_INT64;
	cr_assert_eq(spec_from_arrow(&spec, &d.schema, &roles, &arena, &out, NULL), TEG_OK);
	cr_assert_str_eq(out.dimensions[0].name, "x", "with types, their own order");
	cr_assert_eq(spec_from_arrow(&spec, &d.schema, NULL, &arena, &out, NULL), TEG_OK);
	cr_assert_eq(out.n_attributes, 2, "without the role it is an attribute");
}

Test(import, a_declaration_that_does_not_fit)
{
	teg_dimension dims[] = { { .name = "z" } };
	teg_attribute fill = { .name = "y" };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .dimensions = dims,
		          .n_dimensions = 1 };
	struct declared d;
	teg_error err;
	teg_spec out;

	make_declared(&d);
	cr_assert_eq(spec_from_arrow(&spec, &d.schema, NULL, &arena, &out, &err), TEG_SCHEMA);
	cr_assert_str_eq(err.column, "z");
	dims[0].name = "y";
	spec.attributes = &fill;
	spec.n_attributes = 1;
	cr_assert_eq(spec_from_arrow(&spec, &d.schema, NULL, &arena, &out, &err), TEG_SCHEMA);
	cr_assert_str_eq(err.column, "y", "a dimension has no fill");
	spec.n_attributes = 0;
	d.field[2].format = "+m";
	cr_assert_eq(spec_from_arrow(&spec, &d.schema, NULL, &arena, &out, &err), TEG_UNSUPPORTED);
	cr_assert(strstr(err.message, "map"));
	d.schema.format = "i";
	cr_assert_eq(spec_from_arrow(&spec, &d.schema, NULL, &arena, &out, &err), TEG_MISUSE);
}
