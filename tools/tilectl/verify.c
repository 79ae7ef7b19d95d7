#include "tools/tilectl/verify.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/arrow.h"
#include "tools/tilectl/same.h"
#include "tools/tilectl/session.h"

#define CHUNK_BYTES ((uint64_t)48 << 20)
#define CHUNK_ROWS ((int64_t)1 << 20)

/* Batches of one side and a place among them. */
struct side {
	struct ArrowArrayStream stream;
	struct ArrowSchema schema;
	struct ArrowArray batch;
	int64_t at; /* the next row of the batch */
};

/* A column of the source and the same one in the store's batches. */
struct pair {
	const char *name;
	int64_t source_at, stored_at;
	struct same_column source, stored;
};

struct comparison {
	const struct verify *verify;
	struct session session; /* of the array after the commit; the store is not its own */
	struct side source, stored;
	struct pair *pairs;
	size_t n_pairs, n_keys; /* the first ones are the key */
	const char **columns;   /* of the store, in the order of the pairs */
	teg_predicate *only;    /* rows of the commit */
	int64_t row;            /* of the source */
	int64_t n_stored;
};

static int fail_difference(const struct comparison *c, const char *column, int64_t row)
{
	return fail_with(
		EXIT_FAILED,
		"the store does not hold the bits of the file; the import stays (array %s, "
		"column %s, row %" PRId64 ", file %s)",
		c->verify->array, column, row, c->verify->path);
}

static int fail_row(const struct comparison *c, int64_t row, const char *what)
{
	return fail_with(EXIT_FAILED, "%s; the import stays (array %s, row %" PRId64 ", file %s)",
	                 what, c->verify->array, row, c->verify->path);
}

/* ---- the two sides ---------------------------------------------------------------------------- */

/* The next batch with a row; release is NULL at the end. */
static int next_batch(struct side *side)
{
	arrow_array_release(&side->batch);
	side->at = 0;
	do {
		arrow_array_release(&side->batch);
		if (side->stream.get_next(&side->stream, &side->batch)) {
			const char *why = side->stream.get_last_error(&side->stream);

			side->batch.release = NULL;
			return fail_with(EXIT_FAILED, "cannot read again: %s",
			                 why ? why : "it does not say why");
		}
	} while (side->batch.release && !side->batch.length);
	return EXIT_OK;
}

static void close_side(struct side *side)
{
	arrow_array_release(&side->batch);
	arrow_schema_release(&side->schema);
	arrow_stream_release(&side->stream);
}

static int open_stored(struct comparison *c)
{
	teg_scan_options options = { .struct_size = sizeof options,
		                     .columns = c->columns,
		                     .n_columns = c->n_pairs,
		                     .predicate = c->only,
		                     .mode = TEG_SCAN_AS_OF,
		                     .system_time = c->verify->system_time };
	teg_scan *scan;
	teg_error err;

	close_side(&c->stored);
	if (teg_scan_open(c->session.array, &options, &scan, &err) != TEG_OK ||
	    teg_scan_schema(scan, &c->stored.schema, &err) != TEG_OK ||
	    teg_scan_stream(scan, &c->stored.stream, &err) != TEG_OK)
		return fail_call(&err);
	return EXIT_OK;
}

/* ---- pairs ------------------------------------------------------------------------------------ */

static bool same_name(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* What the store calls a column of the source. */
static const char *stored_name(const struct verify *verify, const char *name)
{
	if (same_name(verify->put->valid_from_column, name))
		return "valid_from";
	if (same_name(verify->put->valid_until_column, name))
		return "valid_until";
	return same_name(verify->put->row_id_column, name) ? "row_id" : name;
}

static bool is_key(const struct comparison *c, const char *name)
{
	const teg_spec *spec = teg_array_spec(c->session.array);

	for (size_t d = 0; d < spec->n_dimensions; d++)
		if (!strcmp(spec->dimensions[d].name, name))
			return true;
	return false;
}

static void add_pairs(struct comparison *c, bool keys)
{
	for (int64_t i = 0; i < c->source.schema.n_children; i++) {
		const char *name = stored_name(c->verify, c->source.schema.children[i]->name);

		if (is_key(c, name) != keys)
			continue;
		c->pairs[c->n_pairs] = (struct pair){ .name = name, .source_at = i };
		c->columns[c->n_pairs] = name;
		c->n_pairs++;
		c->n_keys += keys;
	}
}

static int set_up_pairs(struct comparison *c)
{
	size_t n = (size_t)c->source.schema.n_children;
	struct why why;
	int code;

	c->pairs = need_memory(n, sizeof *c->pairs);
	c->columns = need_memory(n, sizeof *c->columns);
	add_pairs(c, true);
	add_pairs(c, false);
	code = open_stored(c);
	for (size_t i = 0; i < c->n_pairs && code == EXIT_OK; i++) {
		struct pair *pair = &c->pairs[i];

		pair->stored_at = (int64_t)i;
		if (!same_init(&pair->source, c->source.schema.children[pair->source_at], &why) ||
		    !same_init(&pair->stored, c->stored.schema.children[i], &why))
			code = fail_with(EXIT_FAILED, "%s (file %s)", why.text, c->verify->path);
		pair->source.key = pair->stored.key = i < c->n_keys;
	}
	return code;
}

static bool same_pair(const struct pair *pair, const struct ArrowArray *source, int64_t i,
                      const struct ArrowArray *stored, int64_t j)
{
	return same_values(&pair->source, source->children[pair->source_at], i + source->offset,
	                   &pair->stored, stored->children[pair->stored_at], j + stored->offset);
}

/* The first pair in [from, until) in which the rows differ; `until` where there is none. */
static size_t differ(const struct comparison *c, size_t from, size_t until,
                     const struct ArrowArray *source, int64_t i, const struct ArrowArray *stored,
                     int64_t j)
{
	while (from < until && same_pair(&c->pairs[from], source, i, stored, j))
		from++;
	return from;
}

/* ---- in order --------------------------------------------------------------------------------- */

static int compare_batches(struct comparison *c)
{
	struct side *a = &c->source, *b = &c->stored;

	for (; a->at < a->batch.length && b->at < b->batch.length; a->at++, b->at++, c->row++) {
		size_t p = differ(c, 0, c->n_pairs, &a->batch, a->at, &b->batch, b->at);

		if (p < c->n_pairs)
			return fail_difference(c, c->pairs[p].name, c->row);
	}
	return EXIT_OK;
}

static int compare_in_order(struct comparison *c)
{
	for (;;) {
		int code = EXIT_OK;

		if (!c->source.batch.release || c->source.at == c->source.batch.length)
			code = next_batch(&c->source);
		if (code == EXIT_OK &&
		    (!c->stored.batch.release || c->stored.at == c->stored.batch.length))
			code = next_batch(&c->stored);
		if (code != EXIT_OK || (!c->source.batch.release && !c->stored.batch.release))
			return code;
		if (!c->source.batch.release)
			return fail_row(c, c->row, "the store holds more rows than the file");
		if (!c->stored.batch.release)
			return fail_row(c, c->row, "the store holds fewer rows than the file");
		code = compare_batches(c);
		if (code != EXIT_OK)
			return code;
	}
}

/* ---- as a set --------------------------------------------------------------------------------- */

/* Rows of the source that wait for theirs, in a table of chains by hash. */
struct chunk {
	struct ArrowArray *batches;
	size_t n_batches;
	struct waiting {
		uint64_t hash;
		uint32_t batch;
		int64_t at, next; /* next: of the chain, -1 at its end */
		bool found;
	} * rows;
	int64_t n;
	int64_t *heads;
	uint64_t mask;
};

static uint64_t hash_row(const struct comparison *c, bool source, const struct ArrowArray *batch,
                         int64_t at)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < c->n_pairs; i++) {
		const struct pair *pair = &c->pairs[i];
		const struct same_column *cells = source ? &pair->source : &pair->stored;
		const struct same_column *other = source ? &pair->stored : &pair->source;
		bool known = cells->form == other->form || cells->dictionary || other->dictionary;

		if (known)
			hash = same_hash(
				cells, batch->children[source ? pair->source_at : pair->stored_at],
				at + batch->offset, hash);
	}
	return hash;
}

static void add_rows(const struct comparison *c, struct chunk *chunk,
                     const struct ArrowArray *batch)
{
	chunk->rows =
		need_more(chunk->rows, (size_t)(chunk->n + batch->length), sizeof *chunk->rows);
	for (int64_t i = 0; i < batch->length; i++)
		chunk->rows[chunk->n++] = (struct waiting){ .hash = hash_row(c, true, batch, i),
			                                    .batch = (uint32_t)chunk->n_batches,
			                                    .at = i };
	chunk->batches = need_more(chunk->batches, chunk->n_batches + 1, sizeof *chunk->batches);
	chunk->batches[chunk->n_batches++] = *batch;
}

/* Backwards, so that the first of equal rows stands first. */
static void link_rows(struct chunk *chunk)
{
	uint64_t n = 16;

	while (n < (uint64_t)chunk->n)
		n *= 2;
	chunk->mask = n - 1;
	chunk->heads = need_memory((size_t)n, sizeof *chunk->heads);
	for (uint64_t i = 0; i < n; i++)
		chunk->heads[i] = -1;
	for (int64_t i = chunk->n; i-- > 0;) {
		int64_t *head = &chunk->heads[chunk->rows[i].hash & chunk->mask];

		chunk->rows[i].next = *head;
		*head = i;
	}
}

static int fill_chunk(struct comparison *c, struct chunk *chunk)
{
	uint64_t bytes = 0;

	*chunk = (struct chunk){ .batches = NULL };
	while (bytes < CHUNK_BYTES && chunk->n < CHUNK_ROWS) {
		int code = next_batch(&c->source);

		if (code != EXIT_OK)
			return code;
		if (!c->source.batch.release)
			break;
		for (size_t i = 0; i < c->n_pairs; i++)
			bytes += same_len(&c->pairs[i].source,
			                  c->source.batch.children[c->pairs[i].source_at],
			                  c->source.batch.length);
		add_rows(c, chunk, &c->source.batch);
		c->source.batch.release = NULL; /* the chunk has it */
	}
	link_rows(chunk);
	return EXIT_OK;
}

static void free_chunk(struct chunk *chunk)
{
	for (size_t i = 0; i < chunk->n_batches; i++)
		arrow_array_release(&chunk->batches[i]);
	free(chunk->batches);
	free(chunk->rows);
	free(chunk->heads);
}

/* Takes the row of the source that a stored one is out of its chain. */
static void match(const struct comparison *c, struct chunk *chunk, int64_t at)
{
	uint64_t hash = hash_row(c, false, &c->stored.batch, at);
	int64_t *link = &chunk->heads[hash & chunk->mask];

	for (; *link >= 0; link = &chunk->rows[*link].next) {
		struct waiting *row = &chunk->rows[*link];

		if (row->hash != hash || differ(c, 0, c->n_pairs, &chunk->batches[row->batch],
		                                row->at, &c->stored.batch, at) < c->n_pairs)
			continue;
		row->found = true;
		*link = row->next;
		return;
	}
}

/* A row of the source has no equal: which column of a stored one with its key is another? */
static int explain(struct comparison *c, const struct chunk *chunk, int64_t i)
{
	const struct waiting *row = &chunk->rows[i];
	const struct ArrowArray *batch = &chunk->batches[row->batch];
	int code = open_stored(c);

	while (code == EXIT_OK) {
		code = next_batch(&c->stored);
		if (code != EXIT_OK || !c->stored.batch.release)
			break;
		for (int64_t j = 0; j < c->stored.batch.length; j++)
			if (differ(c, 0, c->n_keys, batch, row->at, &c->stored.batch, j) ==
			    c->n_keys) {
				size_t p = differ(c, c->n_keys, c->n_pairs, batch, row->at,
				                  &c->stored.batch, j);

				if (p < c->n_pairs)
					return fail_difference(c, c->pairs[p].name, c->row + i);
			}
	}
	return code == EXIT_OK ? fail_row(c, c->row + i, "the store does not hold the row") : code;
}

static int compare_chunk(struct comparison *c, struct chunk *chunk)
{
	int code = open_stored(c);

	c->n_stored = 0;
	while (code == EXIT_OK) {
		code = next_batch(&c->stored);
		if (code != EXIT_OK || !c->stored.batch.release)
			break;
		for (int64_t j = 0; j < c->stored.batch.length; j++)
			match(c, chunk, j);
		c->n_stored += c->stored.batch.length;
	}
	for (int64_t i = 0; i < chunk->n && code == EXIT_OK; i++)
		if (!chunk->rows[i].found)
			return explain(c, chunk, i);
	c->row += chunk->n;
	return code;
}

/* The last chunk, which is empty, counts what is stored where there was no other. */
static int compare_as_set(struct comparison *c)
{
	bool more = true, counted = false;
	int code = EXIT_OK;

	while (code == EXIT_OK && more) {
		struct chunk chunk;

		code = fill_chunk(c, &chunk);
		more = chunk.n > 0;
		if (code == EXIT_OK && (more || !counted))
			code = compare_chunk(c, &chunk);
		counted = true;
		free_chunk(&chunk);
	}
	if (code == EXIT_OK && c->n_stored > c->row)
		return fail_row(c, c->row, "the store holds more rows than the file");
	return code;
}

/* ---- both ------------------------------------------------------------------------------------- */

static int open_array(struct comparison *c)
{
	teg_value time = { .type = TEG_TIMESTAMP, .as.i = c->verify->system_time };
	teg_error err;

	if (teg_snapshot_open(c->verify->store, &c->session.snapshot, &err) != TEG_OK ||
	    teg_array_open(c->session.snapshot, c->verify->array, &c->session.array, &err) !=
	            TEG_OK ||
	    teg_predicate_compare("system_from", TEG_EQ, &time, NULL, &c->only, &err) != TEG_OK)
		return fail_call(&err);
	return EXIT_OK;
}

static int compare(struct comparison *c, struct source *source)
{
	int code = open_array(c);

	if (code == EXIT_OK)
		code = source_stream(source, &c->source.stream);
	if (code == EXIT_OK && c->source.stream.get_schema(&c->source.stream, &c->source.schema))
		code = fail_with(EXIT_FAILED, "cannot read again: %s",
		                 c->source.stream.get_last_error(&c->source.stream));
	if (code == EXIT_OK)
		code = set_up_pairs(c);
	if (code != EXIT_OK)
		return code;
	if (teg_array_spec(c->session.array)->kind == TEG_TABLE && !c->verify->put->row_id_column)
		return compare_in_order(c);
	return compare_as_set(c);
}

int verify_rows(const struct verify *verify, struct source *source)
{
	struct comparison c = { .verify = verify };
	int code = compare(&c, source);

	for (size_t i = 0; i < c.n_pairs; i++) {
		same_free(&c.pairs[i].source);
		same_free(&c.pairs[i].stored);
	}
	close_side(&c.source);
	close_side(&c.stored);
	free(c.pairs);
	free(c.columns);
	teg_predicate_free(c.only);
	session_close(&c.session);
	return code;
}

/* ---- boxes ------------------------------------------------------------------------------------ */

struct boxes {
	const struct verify *verify;
	struct session session;
	int code;
};

/* The cell of a slab in which two strided buffers differ, row-major; `cells` where there is none. */
static uint64_t differing_cell(const struct npy_slab *slab, const teg_buffer *a, const uint8_t *b,
                               const uint8_t *valid, size_t width)
{
	uint64_t index[TEG_MAX_DIMENSIONS] = { 0 };

	for (uint64_t i = 0; i < slab->cells; i++) {
		const uint8_t *at = a->values;

		for (size_t d = 0; d < slab->rank; d++)
			at += (ptrdiff_t)index[d] * slab->strides[d];
		if (a->validity && a->validity[i] != valid[i])
			return i;
		if ((!a->validity || valid[i]) && memcmp(at, b + i * width, width) != 0)
			return i;
		for (size_t d = slab->rank; d-- > 0;) {
			if (++index[d] < slab->n[d])
				break;
			index[d] = 0;
		}
	}
	return slab->cells;
}

static int fail_cell(const struct boxes *b, const struct npy_slab *slab, const char *column,
                     uint64_t cell)
{
	struct text at = { NULL, 0, 0 };
	int64_t index[TEG_MAX_DIMENSIONS];
	int code;

	for (size_t d = slab->rank; d-- > 0; cell /= slab->n[d])
		index[d] = slab->box[d].lo.as.i + (int64_t)(cell % slab->n[d]);
	for (size_t d = 0; d < slab->rank; d++)
		text_addf(&at, "%s%" PRId64, d ? "," : "", index[d]);
	code = fail_with(
		EXIT_FAILED,
		"the store does not hold the bits of the file; the import stays (array %s, "
		"column %s, cell %s, file %s)",
		b->verify->array, column, text_string(&at), b->verify->path);
	text_free(&at);
	return code;
}

static size_t width_of(const struct boxes *b, const char *name)
{
	const teg_spec *spec = teg_array_spec(b->session.array);

	for (size_t i = 0; i < spec->n_attributes; i++) {
		const teg_data_type *type = &spec->attributes[i].type;

		if (strcmp(spec->attributes[i].name, name) != 0)
			continue;
		return type->type == TEG_FIXED_BYTES ? type->fixed_len : npy_width(type->type);
	}
	return 0;
}

static void compare_attribute(struct boxes *b, const struct npy_slab *slab, const teg_buffer *given)
{
	teg_read_options when = { .struct_size = sizeof when,
		                  .mode = TEG_SCAN_AS_OF,
		                  .system_time = b->verify->system_time,
		                  /* put for all of valid time, so any will do */
		                  .has_valid_at = teg_array_spec(b->session.array)->valid_time };
	size_t width = width_of(b, given->name);
	teg_buffer stored = { .name = given->name,
		              .values = need_memory((size_t)slab->cells, width ? width : 1),
		              .values_len = (size_t)slab->cells * width };
	uint8_t *valid = need_memory((size_t)slab->cells, 1);
	uint64_t cell;
	teg_error err;

	stored.validity = given->validity ? valid : NULL;
	if (teg_read_box(b->session.array, slab->box, &stored, 1, NULL, &when, &err) != TEG_OK) {
		b->code = fail_call(&err);
	} else {
		cell = differing_cell(slab, given, stored.values, valid, width);
		if (cell < slab->cells)
			b->code = fail_cell(b, slab, given->name, cell);
	}
	free(stored.values);
	free(valid);
}

static bool compare_slab(void *ctx, const struct npy_slab *slab)
{
	struct boxes *b = ctx;

	for (size_t i = 0; i < slab->n_buffers && b->code == EXIT_OK; i++)
		compare_attribute(b, slab, &slab->buffers[i]);
	return b->code == EXIT_OK;
}

int verify_dense(const struct verify *verify, struct npy_dense *dense)
{
	struct boxes b = { .verify = verify };
	teg_error err;

	if (teg_snapshot_open(verify->store, &b.session.snapshot, &err) != TEG_OK ||
	    teg_array_open(b.session.snapshot, verify->array, &b.session.array, &err) != TEG_OK)
		b.code = fail_call(&err);
	else if (!npy_dense_each(dense, teg_array_spec(b.session.array)->dimensions, compare_slab,
	                         &b) &&
	         b.code == EXIT_OK)
		b.code =
			fail_with(EXIT_FAILED, "cannot read again: %s", text_string(&dense->error));
	session_close(&b.session);
	return b.code;
}
