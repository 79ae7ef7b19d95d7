/* The elementwise stream: two scans, cut into parts of the key space, paired, and computed upon.
 *
 *   left  ── scan ──┐  part by part
 *                   ├── sort by key, pair ── keys, terms ── batches
 *   right ── scan ──┘
 */
#include <errno.h>
#include <stdio.h>
#include "codec/base/checked.h"
#include "engine/compute/pairs.h"
#include "engine/scan/parts.h"
#include "engine/store/options.h"

#define MEMORY ((size_t)64 << 20)
#define PART_ROWS (256u << 10) /* of both sides together, as tiles make it look */
#define BATCH_ROWS 65536

struct elementwise {
	struct teg_array *left, *right;
	const teg_allocator *alloc;
	struct arena arena;
	struct term *terms;
	size_t n_terms;
	uint32_t *left_at, *right_at; /* columns of the scans, per term */
	struct output *outputs;
	uint32_t n_outputs;
	struct batch_pool *pool;
	struct pairs pairs;
	struct parts parts;
	bool has_pairs, has_parts;
	bool both;
	size_t memory;
	uint32_t taken;  /* pairs of the part that are out */
	uint64_t n_rows; /* of the batches before */
	teg_error error;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for an elementwise result");
}

/* ---- what is asked for ---- */

static teg_status check_side(const struct teg_array *array, const teg_scan_options *o,
                             teg_error *err)
{
	const struct schema *schema = array->state.schema;

	if (o->columns || o->limit || o->times || o->kinds || o->n_slices ||
	    o->mode > TEG_SCAN_AS_OF_VERSION)
		teg_fail(
			err, TEG_MISUSE,
			"elementwise takes no columns, limit, times, kinds, slices or all versions "
			"from its scans");
	else if (schema->cells == TEG_CELLS_REPEATED)
		teg_fail(err, TEG_MISUSE,
		         "the cells of array '%s' are repeated: keys do not pair them",
		         array->state.name);
	else if (schema->valid_time && o->valid_mode != TEG_VALID_AT)
		teg_fail(err, TEG_MISUSE, "array '%s' has valid time: elementwise needs a valid_at",
		         array->state.name);
	else
		return TEG_OK;
	return error_in_array(err, TEG_MISUSE, array->state.name);
}

static teg_status check_dimensions(const struct schema *a, const struct schema *b, teg_error *err)
{
	if (a->n_dims != b->n_dims)
		return teg_fail(err, TEG_MISUSE, "the arrays have %u and %u dimensions",
		                (unsigned)a->n_dims, (unsigned)b->n_dims);
	for (uint32_t d = 0; d < a->n_dims; d++) {
		char left[96], right[96];

		if (type_equal(&a->dims[d].type, &b->dims[d].type))
			continue;
		type_name(&a->dims[d].type, left, sizeof left);
		type_name(&b->dims[d].type, right, sizeof right);
		teg_fail(err, TEG_MISUSE, "dimension '%s' is %s in one array and %s in the other",
		         a->dims[d].name, left, right);
		return error_in_column(err, TEG_MISUSE, a->dims[d].name);
	}
	return TEG_OK;
}

static teg_status find_field(const struct teg_array *array, const char *name,
                             const struct field **field_out, teg_error *err)
{
	*field_out = name ? schema_field(array->state.schema, name) : NULL;
	if (*field_out)
		return TEG_OK;
	teg_fail(err, TEG_NOT_FOUND, "array '%s' has no column '%s'", array->state.name,
	         name ? name : "");
	error_in_column(err, TEG_NOT_FOUND, name ? name : "");
	return error_in_array(err, TEG_NOT_FOUND, array->state.name);
}

static teg_status name_term(struct elementwise *e, struct term *t, const char *given,
                            teg_error *err)
{
	char *name;
	size_t len;

	if (given)
		TEG_TRY(name_check(given, "the name of a term", err));
	len = given ? strlen(given) + 1 : strlen(t->left->name) + strlen(t->right->name) + 4;
	name = arena_alloc(&e->arena, len);
	if (!name)
		return no_memory(err);
	if (given)
		memcpy(name, given, len);
	else
		snprintf(name, len, "%s %s %s", t->left->name, term_sign(t->op), t->right->name);
	t->output.name = name;
	return TEG_OK;
}

static teg_status choose_terms(struct elementwise *e, const teg_term *terms, size_t n,
                               teg_error *err)
{
	const struct schema *schema = e->left->state.schema;

	e->terms = arena_array(&e->arena, n, sizeof *e->terms);
	e->left_at = arena_array(&e->arena, 2 * n, sizeof *e->left_at);
	e->outputs = arena_array(&e->arena, schema->n_dims + n, sizeof *e->outputs);
	if (!e->terms || !e->left_at || !e->outputs)
		return no_memory(err);
	e->right_at = e->left_at + n;
	memset(e->terms, 0, n * sizeof *e->terms);
	for (uint32_t d = 0; d < schema->n_dims; d++)
		e->outputs[e->n_outputs++] = output_of_field(&schema->dims[d]);
	for (; e->n_terms < n; e->n_terms++) {
		struct term *t = &e->terms[e->n_terms];

		t->op = terms[e->n_terms].op;
		TEG_TRY(find_field(e->left, terms[e->n_terms].left, &t->left, err));
		TEG_TRY(find_field(e->right, terms[e->n_terms].right, &t->right, err));
		TEG_TRY(term_init(t, err));
		TEG_TRY(name_term(e, t, terms[e->n_terms].name, err));
		e->outputs[e->n_outputs++] = t->output;
	}
	return TEG_OK;
}

/* A scan of the dimensions and of the operands, each once; where the latter are into *at. */
static teg_status open_side(struct elementwise *e, struct teg_array *array, bool right,
                            const teg_scan_options *given, uint32_t *at, struct teg_scan **scan_out,
                            teg_error *err)
{
	const struct schema *schema = array->state.schema;
	const char **names = arena_array(&e->arena, schema->n_dims + e->n_terms, sizeof *names);
	teg_scan_options o = *given;
	size_t n = 0;

	if (!names)
		return no_memory(err);
	for (uint32_t d = 0; d < schema->n_dims; d++)
		names[n++] = schema->dims[d].name;
	for (size_t i = 0; i < e->n_terms; i++) {
		const struct field *field = right ? e->terms[i].right : e->terms[i].left;
		size_t k = 0;

		while (k < n && strcmp(names[k], field->name) != 0)
			k++;
		names[k] = field->name;
		n += k == n;
		at[i] = (uint32_t)k;
	}
	o.columns = names;
	o.n_columns = n;
	return teg_scan_open(array, &o, scan_out, err);
}

static teg_status open_sides(struct elementwise *e, const teg_scan_options *left,
                             const teg_scan_options *right, teg_error *err)
{
	struct teg_scan *a = NULL, *b = NULL;
	struct box all;
	teg_status status = open_side(e, e->left, false, left, e->left_at, &a, err);

	if (status == TEG_OK)
		status = open_side(e, e->right, true, right, e->right_at, &b, err);
	if (status != TEG_OK) {
		teg_scan_close(a);
		return status;
	}
	e->has_pairs = true;
	TEG_TRY(pairs_init(&e->pairs, a, b, err));
	TEG_TRY(scan_start(a, err));
	TEG_TRY(scan_start(b, err));
	parts_init(&e->parts, e->left->state.schema->n_dims, PART_ROWS, e->alloc);
	e->has_parts = true;
	TEG_TRY(parts_add(&e->parts, &a->sweep.plan, err));
	TEG_TRY(parts_add(&e->parts, &b->sweep.plan, err));
	memset(all.lo, 0, sizeof all.lo);
	memset(all.hi, 0xff, sizeof all.hi);
	return parts_begin(&e->parts, &all, err);
}

/* ---- batches ---- */

static teg_status next_part(struct elementwise *e, teg_error *err)
{
	e->taken = 0;
	e->pairs.n = 0;
	while (!e->pairs.n) {
		struct box box;
		bool fits;

		TEG_TRY(parts_next(&e->parts, &box, err));
		TEG_TRY(pairs_read(&e->pairs, &box, e->both, e->memory, &fits, err));
		if (!fits)
			TEG_TRY(parts_halve(&e->parts, err));
	}
	return TEG_OK;
}

static teg_status fill(struct elementwise *e, struct batch *batch, uint32_t n, teg_error *err)
{
	const struct pairs *p = &e->pairs;
	uint32_t n_dims = e->left->state.schema->n_dims;

	for (uint32_t d = 0; d < n_dims; d++)
		if (pairs_keys(p, d, e->taken, n, &batch->columns[d]) != TEG_OK)
			return no_memory(err);
	for (size_t i = 0; i < e->n_terms; i++)
		TEG_TRY(term_run(&e->terms[i], &p->left.columns[e->left_at[i]],
		                 p->left_rows + e->taken, &p->right.columns[e->right_at[i]],
		                 p->right_rows + e->taken, n, e->n_rows,
		                 &batch->columns[n_dims + i], err));
	batch->n_rows = n;
	e->taken += n;
	e->n_rows += n;
	return TEG_OK;
}

static teg_status next_batch(struct elementwise *e, struct ArrowArray *out, teg_error *err)
{
	struct batch *batch;
	teg_status status;

	if (e->taken == e->pairs.n)
		TEG_TRY(next_part(e, err));
	batch = batch_take(e->pool);
	if (!batch)
		return no_memory(err);
	status = fill(e, batch, (uint32_t)size_min(e->pairs.n - e->taken, BATCH_ROWS), err);
	if (status == TEG_OK)
		status = batch_export(batch, out, err);
	if (status != TEG_OK)
		batch_give(batch);
	return status;
}

/* ---- as a stream ---- */

static int stream_status(const struct elementwise *e, teg_status status)
{
	if (status == TEG_OK)
		return 0;
	if (status == TEG_NOMEM)
		return ENOMEM;
	return e->error.os_errno ? e->error.os_errno : EIO;
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	struct elementwise *e = stream->private_data;

	return stream_status(e, export_schema(e->outputs, e->n_outputs, NULL, 0, e->alloc, out,
	                                      &e->error));
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	struct elementwise *e = stream->private_data;
	teg_status status;

	memset(out, 0, sizeof *out);
	status = next_batch(e, out, &e->error);
	return status == TEG_END ? 0 : stream_status(e, status);
}

static const char *stream_last_error(struct ArrowArrayStream *stream)
{
	const struct elementwise *e = stream->private_data;

	return e->error.message[0] ? e->error.message : NULL;
}

static void release(struct elementwise *e)
{
	const teg_allocator *alloc = e->alloc;
	struct teg_array *left = e->left, *right = e->right;

	if (e->has_pairs)
		pairs_release(&e->pairs);
	if (e->has_parts)
		parts_release(&e->parts);
	batch_pool_release(e->pool);
	arena_release(&e->arena);
	mem_free(alloc, e, sizeof *e);
	array_unref(left);
	array_unref(right);
}

static void stream_release(struct ArrowArrayStream *stream)
{
	release(stream->private_data);
	stream->private_data = NULL;
	stream->release = NULL;
}

/* ---- the call ---- */

static teg_status open_all(struct elementwise *e, const teg_term *terms, size_t n,
                           const teg_elementwise_options *o, teg_error *err)
{
	teg_scan_options left, right;

	TEG_TRY(options_take(o->left, &left, sizeof left, "teg_scan_options", err));
	TEG_TRY(options_take(o->right, &right, sizeof right, "teg_scan_options", err));
	TEG_TRY(check_side(e->left, &left, err));
	TEG_TRY(check_side(e->right, &right, err));
	TEG_TRY(check_dimensions(e->left->state.schema, e->right->state.schema, err));
	TEG_TRY(choose_terms(e, terms, n, err));
	TEG_TRY(open_sides(e, &left, &right, err));
	e->both = o->both;
	e->memory = o->memory ? o->memory : MEMORY;
	e->pool = batch_pool_new(e->outputs, e->n_outputs, e->alloc);
	return e->pool ? TEG_OK : no_memory(err);
}

teg_status teg_elementwise(teg_array *left, teg_array *right, const teg_term *terms, size_t n_terms,
                           const teg_elementwise_options *options,
                           struct ArrowArrayStream *stream_out, teg_error *err)
{
	teg_elementwise_options o;
	struct elementwise *e;
	teg_status status;

	if (!left || !right || !terms || !n_terms || !stream_out)
		return teg_fail(
			err, TEG_MISUSE,
			"teg_elementwise needs two arrays, terms and a place for the stream");
	memset(stream_out, 0, sizeof *stream_out);
	TEG_TRY(options_take(options, &o, sizeof o, "teg_elementwise_options", err));
	e = mem_zalloc(left->arena.alloc, sizeof *e);
	if (!e)
		return no_memory(err);
	e->alloc = left->arena.alloc;
	e->left = left;
	e->right = right;
	array_ref(left);
	array_ref(right);
	arena_init(&e->arena, e->alloc, SIZE_MAX);
	status = open_all(e, terms, n_terms, &o, err);
	if (status != TEG_OK) {
		release(e);
		return status;
	}
	*stream_out = (struct ArrowArrayStream){ .get_schema = stream_schema,
		                                 .get_next = stream_next,
		                                 .get_last_error = stream_last_error,
		                                 .release = stream_release,
		                                 .private_data = e };
	return TEG_OK;
}
