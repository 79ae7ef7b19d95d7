/* Columns of a tile on their way to chunks: taken from the rows, encoded, and described. */
#include "engine/write/encoder.h"

struct column_buf *encoder_work(struct encoder *e, enum column_shape shape, uint32_t width)
{
	unsigned i = shape == COLUMN_BYTES ? 6
	             : width == 16         ? 4
	             : width == 8          ? 3
	             : width == 4          ? 2
	                                   : 5;
	struct column_buf *work;

	if (shape == COLUMN_FIXED && width < 3)
		i = width - 1;
	work = &e->work[i];
	if (i == 5 && work->width != width) {
		column_buf_release(work);
		column_buf_init(work, COLUMN_FIXED, width, e->alloc);
	}
	column_buf_clear(work);
	return work;
}

/* A view of values [from, from + n); false where their validity does not start with a byte. */
static bool part_of(const struct column *all, size_t from, size_t n, struct column *view_out)
{
	if (all->validity && from % 8)
		return false;
	*view_out = *all;
	view_out->n = n;
	if (all->shape == COLUMN_FIXED)
		view_out->values = all->values + from * all->width;
	else
		view_out->offsets = all->offsets + from;
	if (all->validity)
		view_out->validity = all->validity + from / 8;
	return true;
}

teg_status encoder_take(struct encoder *e, const struct slice *s, const struct column_buf *from,
                        struct column *view_out)
{
	struct column all = column_buf_view(from);
	struct column_buf *work;

	if (!s->at && part_of(&all, s->from, s->n, view_out))
		return TEG_OK;
	work = encoder_work(e, all.shape, all.width);
	TEG_TRY(s->at ? column_buf_gather(work, &all, s->at + s->from, s->n)
	              : column_buf_append(work, &all, s->from, s->n));
	*view_out = column_buf_view(work);
	return TEG_OK;
}

/* Every read of a box decodes coordinates, so there zstd saves too little for its time. */
static enum profile profile_of(const struct encoder *e, uint32_t id)
{
	enum profile profile = (enum profile)e->schema->profile;

	return profile == PROFILE_BALANCED && id < COLUMN_ID_ATTRIBUTE ? PROFILE_FAST : profile;
}

teg_status encoder_put(struct encoder *e, uint32_t id, const struct column *column,
                       enum value_class class, teg_error *err)
{
	struct tile_column *to = &e->header.columns[e->header.n_columns];

	TEG_TRY(poll_ask(e->poll, err));
	to->id = id;
	to->off = e->chunks.len;
	TEG_TRY(chunk_encode(column, class, profile_of(e, id), e->scratch, &e->arena, &e->chunks,
	                     &to->chunk, err));
	e->header.n_columns++;
	return TEG_OK;
}

void encoder_note(struct index_entry *entry, const struct column *column)
{
	uint64_t len = column_len(column);

	if (len > entry->column_len_max)
		entry->column_len_max = len;
}

/* ---- nested attributes: format-spec/tile.md, NEST-1 and on ---- */

#define VECTOR_LEN_MIN 256 /* bytes: shorter ones are better off encoded */

/* A node at hand: values [from, from + n) of `column`. */
struct node_part {
	const struct field *field;
	const struct column_buf *column;
	size_t from, n;
	size_t vector; /* values of fixed lists around it, multiplied; 1: none */
	bool below;    /* not the attribute itself */
};

static teg_status no_memory(teg_error *err, teg_status status)
{
	return teg_fail(err, status, "no memory to gather a tile's columns");
}

static teg_status put_node(struct encoder *e, const struct node_part *p,
                           const struct column *column, enum value_class class, teg_error *err)
{
	struct tile_column *to = &e->header.columns[e->header.n_columns];

	TEG_TRY(encoder_put(e, p->field->id, column, class, err));
	to->chunk.nested = p->below;
	return TEG_OK;
}

/* Where each list ends, counted from the first one's start. */
static teg_status put_ends(struct encoder *e, const struct node_part *p, teg_error *err)
{
	struct column_buf *work = encoder_work(e, COLUMN_FIXED, 4);
	const int32_t *offsets = p->column->offsets + p->from;
	uint32_t *ends = column_buf_extend(work, p->n);
	struct column view;

	if (p->n && !ends)
		return no_memory(err, TEG_NOMEM);
	for (size_t i = 0; i < p->n; i++)
		ends[i] = (uint32_t)(offsets[i + 1] - offsets[0]);
	if (p->column->n_nulls &&
	    column_buf_set_validity(work, 0, p->n, p->column->validity, p->from) != TEG_OK)
		return no_memory(err, TEG_NOMEM);
	view = column_buf_view(work);
	return put_node(e, p, &view, VALUE_OFFSETS, err);
}

/* One byte for each value: 1 where it is not null. */
static teg_status put_flags(struct encoder *e, const struct node_part *p, teg_error *err)
{
	struct column_buf *work = encoder_work(e, COLUMN_FIXED, 1);
	uint8_t *flags = column_buf_extend(work, p->n);
	struct column all = column_buf_view(p->column), view;

	if (p->n && !flags)
		return no_memory(err, TEG_NOMEM);
	for (size_t i = 0; i < p->n; i++)
		flags[i] = column_valid(&all, p->from + i);
	view = column_buf_view(work);
	return put_node(e, p, &view, VALUE_UNSIGNED, err);
}

static bool is_vector(const struct encoder *e, const struct node_part *p, const struct column *view)
{
	return p->vector > 1 && view->n && view->shape == COLUMN_FIXED && !column_n_nulls(view) &&
	       p->vector * view->width >= VECTOR_LEN_MIN && e->schema->profile != TEG_SMALL;
}

static teg_status put_leaf(struct encoder *e, const struct node_part *p, struct index_entry *entry,
                           teg_error *err)
{
	struct tile_column *to = &e->header.columns[e->header.n_columns];
	struct column all = column_buf_view(p->column), view;

	if (!part_of(&all, p->from, p->n, &view)) {
		struct column_buf *work = encoder_work(e, all.shape, all.width);
		teg_status status = column_buf_append(work, &all, p->from, p->n);

		if (status != TEG_OK)
			return no_memory(err, status);
		view = column_buf_view(work);
	}
	encoder_note(entry, &view);
	if (!is_vector(e, p, &view))
		return put_node(e, p, &view, p->field->class, err);
	to->id = p->field->id;
	to->off = e->chunks.len;
	TEG_TRY(chunk_encode_vectors(&view, p->field->class, p->vector, &e->arena, &e->chunks,
	                             &to->chunk, err));
	to->chunk.nested = true;
	e->header.has_vectors = true;
	e->header.n_columns++;
	return TEG_OK;
}

static teg_status put_tree(struct encoder *e, const struct node_part *p, struct index_entry *entry,
                           teg_error *err)
{
	struct column all = column_buf_view(p->column);
	bool fixed = p->field->shape == COLUMN_FIXED_LIST;
	struct node_part below = { .below = true, .vector = fixed ? p->vector * all.width : 1 };

	if (!shape_is_nested(p->field->shape))
		return put_leaf(e, p, entry, err);
	if (p->field->shape == COLUMN_LIST)
		TEG_TRY(put_ends(e, p, err));
	else
		TEG_TRY(put_flags(e, p, err));
	column_child_range(&all, p->from, p->n, &below.from, &below.n);
	for (uint32_t i = 0; i < p->field->n_children; i++) {
		below.field = &p->field->children[i];
		below.column = &p->column->children[i];
		TEG_TRY(put_tree(e, &below, entry, err));
	}
	return TEG_OK;
}

teg_status encoder_put_nested(struct encoder *e, const struct slice *s, const struct field *attr,
                              const struct column_buf *from, struct index_entry *entry,
                              uint64_t *n_nulls_out, teg_error *err)
{
	struct node_part p = { attr, from, s->from, s->n, 1, false };
	struct column all = column_buf_view(from);

	if (s->at) {
		teg_status status;

		column_buf_become(&e->nested, from);
		status = column_buf_gather(&e->nested, &all, s->at + s->from, s->n);
		if (status != TEG_OK)
			return no_memory(err, status);
		p.column = &e->nested;
		p.from = 0;
		all = column_buf_view(&e->nested);
	}
	*n_nulls_out = all.validity ? s->n - bitmap_count(all.validity, p.from, s->n) : 0;
	return put_tree(e, &p, entry, err);
}
