/* Fields: one dimension or attribute, checked and with everything derived. */
#include "codec/base/utf8.h"
#include "engine/schema/make.h"

teg_status name_check(const char *name, const char *what, teg_error *err)
{
	size_t len = name ? strlen(name) : 0;

	if (!len)
		return teg_fail(err, TEG_MISUSE, "%s has no name", what);
	if (len > NAME_LEN_MAX)
		return teg_fail(err, TEG_MISUSE, "name of %s has %zu bytes, at most %d are allowed",
		                what, len, NAME_LEN_MAX);
	if (!utf8_valid(span_of_text(name)))
		return teg_fail(err, TEG_MISUSE, "name of %s is not UTF-8", what);
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)name[i];
		/* U+0080 to U+009F are control characters too: 0xc2 and then these. */
		bool c1 = c == 0xc2 && (uint8_t)name[i + 1] < 0xa0;

		if (c < 0x20 || c == 0x7f || c1)
			return teg_fail(err, TEG_MISUSE, "name of %s has a control character",
			                what);
	}
	return TEG_OK;
}

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a schema");
}

static teg_status wrong(teg_error *err, const char *column, const char *why)
{
	teg_fail(err, TEG_SCHEMA, "column %s: %s", column, why);
	return error_in_column(err, TEG_SCHEMA, column);
}

teg_status make_base(const char *name, const teg_data_type *type, const char *what,
                     struct arena *arena, struct field *f, teg_error *err)
{
	char shown[96];

	if (name_check(name, what, err) != TEG_OK) {
		if (err)
			err->status = TEG_SCHEMA;
		return TEG_SCHEMA;
	}
	if (!type_layout(type, &f->shape, &f->width, &f->class)) {
		type_name(type, shown, sizeof shown);
		teg_fail(err, TEG_UNSUPPORTED, "column %s: type %s is not supported", name, shown);
		return error_in_column(err, TEG_UNSUPPORTED, name);
	}
	f->type = *type;
	f->type.zone = "";
	if (!type_is_nested(type->type)) {
		f->type.children = NULL;
		f->type.n_children = 0;
	}
	if (type->type == TEG_TIMESTAMP && type->zone && type->zone[0]) {
		if (!utf8_valid(span_of_text(type->zone)) || strlen(type->zone) > NAME_LEN_MAX)
			return wrong(err, name, "the time zone is no short UTF-8 text");
		f->type.zone = arena_text(arena, span_of_text(type->zone));
	}
	f->name = arena_text(arena, span_of_text(name));
	return f->name && f->type.zone ? TEG_OK : no_memory(err);
}

/* A copy of `value` that owns its bytes and has the field's own type. */
static teg_status keep_value(const struct field *f, const teg_value *value, struct arena *arena,
                             struct span *bytes_out, teg_value *value_out, teg_error *err)
{
	uint8_t room[16];
	struct span bytes;

	if (!value_bytes(f, value, room, &bytes))
		return TEG_SCHEMA;
	*bytes_out = arena_copy(arena, bytes);
	if (!bytes_out->at)
		return no_memory(err);
	*value_out = value_of_bytes(f, *bytes_out);
	return TEG_OK;
}

static bool is_nan(const teg_value *value)
{
	bool is_float = value->type >= TEG_FLOAT16 && value->type <= TEG_FLOAT64;

	return is_float && value->as.f != value->as.f;
}

static teg_status make_bound(const struct field *f, const teg_value *given, struct arena *arena,
                             struct span *bytes_out, teg_value *value_out, uint64_t *lane_out,
                             teg_error *err)
{
	teg_value value = *given;
	teg_status status;

	if (is_nan(&value))
		return wrong(err, f->name, "a bound of the domain is NaN");
	if (f->class == VALUE_FLOAT && value.type && value.as.f == 0)
		value.as.f = 0.0; /* -0.0 is 0.0 as a coordinate */
	status = keep_value(f, &value, arena, bytes_out, value_out, err);
	if (status == TEG_SCHEMA)
		return wrong(err, f->name, "a bound of the domain does not fit the type");
	*lane_out = status == TEG_OK ? lane_of_value(f->class, *bytes_out) : 0;
	return status;
}

static bool counts_in_steps(const struct field *f)
{
	return f->class == VALUE_SIGNED || f->class == VALUE_UNSIGNED;
}

/* A dense array may have a dimension without coordinates: its upper bound lies one below. */
static bool is_empty(const struct field *f)
{
	return counts_in_steps(f) && f->lo && f->hi == f->lo - 1;
}

static teg_status make_domain(const teg_dimension *given, bool dense, struct arena *arena,
                              struct field *f, teg_error *err)
{
	struct span lo, hi;
	bool above;

	f->lo = 0;
	f->hi = UINT64_MAX;
	if (!given->lo.type && !given->hi.type)
		return TEG_OK;
	if (!given->lo.type || !given->hi.type)
		return wrong(err, f->name, "the domain has only one bound");
	TEG_TRY(make_bound(f, &given->lo, arena, &lo, &f->lo_value, &f->lo, err));
	TEG_TRY(make_bound(f, &given->hi, arena, &hi, &f->hi_value, &f->hi, err));
	above = f->class == VALUE_BYTES ? span_compare(lo, hi) > 0 : f->lo > f->hi;
	if (above && !(dense && is_empty(f)))
		return wrong(err, f->name, "the domain's lower bound is above its upper bound");
	f->has_domain = true;
	return TEG_OK;
}

static bool can_be_dimension(teg_type type)
{
	switch (type) {
	case TEG_BOOL:
	case TEG_FLOAT16:
	case TEG_DECIMAL128:
	case TEG_DURATION:
	case TEG_FIXED_BYTES:
	case TEG_LIST:
	case TEG_FIXED_LIST:
	case TEG_STRUCT: return false;
	default: return true;
	}
}

teg_status make_dimension(const teg_dimension *given, uint32_t position, bool dense,
                          struct arena *arena, struct field *field_out, teg_error *err)
{
	struct field *f = field_out;

	TEG_TRY(make_base(given->name, &given->type, "a dimension", arena, f, err));
	if (!can_be_dimension(f->type.type)) {
		char shown[96];

		type_name(&f->type, shown, sizeof shown);
		teg_fail(err, TEG_UNSUPPORTED, "column %s: a dimension cannot be %s", f->name,
		         shown);
		return error_in_column(err, TEG_UNSUPPORTED, f->name);
	}
	f->id = position;
	TEG_TRY(make_domain(given, dense, arena, f, err));
	if (given->extent && !counts_in_steps(f))
		return wrong(err, f->name,
		             "only whole numbers, timestamps and dates have an extent");
	if (dense && !counts_in_steps(f))
		return wrong(err, f->name,
		             "a dense array needs whole numbers, timestamps or dates");
	if (dense && !f->has_domain)
		return wrong(err, f->name, "a dense array needs a domain");
	f->extent = given->extent;
	f->n_metadata = given->n_metadata;
	return make_metadata(given->metadata, given->n_metadata, arena, &f->metadata, err);
}

static struct span zero_value(const struct field *f, struct arena *arena)
{
	uint8_t *zeros = arena_alloc(arena, f->width);

	return (struct span){ zeros, f->width };
}

static teg_status make_fill(const teg_attribute *given, struct arena *arena, struct field *f,
                            teg_error *err)
{
	teg_value ignored;
	teg_status status;

	if (given->fill.type) {
		status = keep_value(f, &given->fill, arena, &f->fill, &ignored, err);
		return status == TEG_SCHEMA
		               ? wrong(err, f->name, "the fill value does not fit the type")
		               : status;
	}
	if (f->nullable)
		return TEG_OK;
	if (shape_is_nested(f->shape)) {
		f->fill = span_of("", 0);
		return TEG_OK;
	}
	f->fill = zero_value(f, arena);
	return f->fill.at ? TEG_OK : no_memory(err);
}

teg_status make_attribute(const teg_attribute *given, uint32_t id, struct arena *arena,
                          struct field *field_out, teg_error *err)
{
	struct field *f = field_out;

	TEG_TRY(make_base(given->name, &given->type, "an attribute", arena, f, err));
	f->id = COLUMN_ID_ATTRIBUTE + id;
	f->nullable = given->nullable;
	f->hi = UINT64_MAX;
	TEG_TRY(make_fill(given, arena, f, err));
	TEG_TRY(make_children(f, arena, err));
	f->n_metadata = given->n_metadata;
	return make_metadata(given->metadata, given->n_metadata, arena, &f->metadata, err);
}

teg_status make_metadata(const teg_metadata *given, size_t n, struct arena *arena,
                         const teg_metadata **metadata_out, teg_error *err)
{
	teg_metadata *kept = NULL;

	*metadata_out = NULL;
	if (!n)
		return TEG_OK;
	kept = arena_array(arena, n, sizeof *kept);
	if (!kept)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		kept[i] = given[i];
		kept[i].key = arena_text(arena, span_of(given[i].key, given[i].key_len));
		kept[i].value = arena_text(arena, span_of(given[i].value, given[i].value_len));
		if (!kept[i].key || !kept[i].value)
			return no_memory(err);
	}
	*metadata_out = kept;
	return TEG_OK;
}

/* ---- extents of dense arrays ---- */

/* Coordinates in the domain, UINT64_MAX where that is 2^64, and for none: it is there to grow. */
static uint64_t span_of_domain(const struct field *f)
{
	uint64_t span = f->hi - f->lo;

	if (is_empty(f))
		return UINT64_MAX;
	return span == UINT64_MAX ? span : span + 1;
}

/* The largest e with e^k <= n. */
static uint64_t whole_root(uint64_t n, uint32_t k)
{
	uint64_t e = 1;

	for (;;) {
		uint64_t left = n;

		for (uint32_t i = 0; i < k; i++)
			left /= e + 1;
		if (!left)
			return e;
		e++;
	}
}

/* The open dimension with the smallest domain; n_dims where none is open. */
static uint32_t smallest_open(const struct field *dims, uint32_t n_dims)
{
	uint32_t at = n_dims;

	for (uint32_t d = 0; d < n_dims; d++)
		if (!dims[d].extent &&
		    (at == n_dims || span_of_domain(&dims[d]) < span_of_domain(&dims[at])))
			at = d;
	return at;
}

/* Narrow dimensions first: what they leave is shared by the wide ones. */
static void choose_extents(struct field *dims, uint32_t n_dims, uint64_t cells)
{
	uint32_t n_open = 0, d;

	for (d = 0; d < n_dims; d++)
		n_open += !dims[d].extent;
	for (; n_open; n_open--) {
		uint64_t span, root = whole_root(cells, n_open);

		d = smallest_open(dims, n_dims);
		span = span_of_domain(&dims[d]);
		dims[d].extent = span < root ? span : root;
		cells /= dims[d].extent;
	}
}

teg_status make_extents(struct field *dims, uint32_t n_dims, uint32_t tile_cells, teg_error *err)
{
	uint64_t cells = 1, left = tile_cells;

	/* An extent that is given may be larger than the domain, which may grow. */
	for (uint32_t d = 0; d < n_dims; d++)
		left /= dims[d].extent ? dims[d].extent : 1;
	choose_extents(dims, n_dims, left ? left : 1);
	for (uint32_t d = 0; d < n_dims; d++) {
		if (dims[d].extent > TILE_CELLS_MAX / cells)
			return wrong(err, dims[d].name,
			             "a tile of these extents has too many cells");
		cells *= dims[d].extent;
	}
	return TEG_OK;
}
