#include "tools/tilectl/npy_dense.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/arrow_make.h"
#include "tools/tilectl/npy_values.h"
#include "tools/tilectl/slabs.h"
#include "tools/tilectl/type_name.h"

/* ---- what it is ------------------------------------------------------------------------------- */

static bool nullable(const struct npy_field *field)
{
	return field->how == NPY_TIME || field->how == NPY_DATE;
}

static bool check(const struct npy_header *h, struct why *why)
{
	if (!h->rank)
		return refuse(why, "a single value has no axis that could be a dimension");
	if (h->rank > TEG_MAX_DIMENSIONS)
		return refuse(why, "a dense array has at most %d dimensions", TEG_MAX_DIMENSIONS);
	for (size_t i = 0; i < h->n_fields; i++)
		if (h->fields[i].how == NPY_UCS4 || h->fields[i].how == NPY_BYTES ||
		    h->fields[i].rank)
			return refuse(why, "text and arrays inside of items cannot be cells of a "
			                   "dense array");
	return true;
}

static void add_names(struct npy_dense *dense, const char *dims)
{
	struct text names = { NULL, 0, 0 };

	text_adds(&names, dims ? dims : "");
	for (size_t d = 0; !dims && d < dense->array.header.rank; d++)
		text_addf(&names, "%sd%zu", d ? "," : "", d);
	dense->dims = names.at;
}

static bool describe(const struct npy_dense *dense, struct ArrowSchema *schema_out, struct why *why)
{
	const struct npy_header *h = &dense->array.header;
	struct word_names names = { NULL, 0 };

	if (dense->dims[0] && !word_read_names(dense->dims, &names, why))
		return false;
	if (names.n != h->rank) {
		refuse(why, "it has %zu axes, --dims names %zu", h->rank, names.n);
		word_names_free(&names);
		return false;
	}
	arrow_make_field(schema_out, "", "+s", false, h->rank + h->n_fields);
	for (size_t d = 0; d < h->rank; d++)
		arrow_make_field(schema_out->children[d], names.at[d], "l", false, 0);
	for (size_t i = 0; i < h->n_fields; i++) {
		const struct npy_field *field = &h->fields[i];
		struct text format = { NULL, 0, 0 };

		type_add_format(&format, &field->type);
		arrow_make_field(schema_out->children[h->rank + i],
		                 field->name ? field->name : "value", format.at, nullable(field),
		                 0);
		text_free(&format);
	}
	word_names_free(&names);
	return true;
}

int npy_dense_open(struct npy_dense *dense, const char *path, int fd, const char *dims,
                   struct ArrowSchema *schema_out)
{
	struct why why;

	*dense = (struct npy_dense){ .path = strcpy(need_memory(strlen(path) + 1, 1), path) };
	if (npy_open(&dense->array, path, fd, &why) && check(&dense->array.header, &why)) {
		add_names(dense, dims);
		if (describe(dense, schema_out, &why))
			return EXIT_OK;
	}
	return fail_with(EXIT_FAILED, "%s (file %s)", why.text, path);
}

void npy_dense_close(struct npy_dense *dense)
{
	npy_close(&dense->array);
	free(dense->dims);
	free(dense->path);
	text_free(&dense->error);
}

int npy_dense_domain(const struct npy_dense *dense, teg_dimension *dimensions, size_t n)
{
	for (size_t d = 0; d < n; d++) {
		int64_t len = (int64_t)dense->array.header.shape[d];
		teg_value *lo = &dimensions[d].lo, *hi = &dimensions[d].hi;

		if (!lo->type) {
			*lo = (teg_value){ .type = TEG_INT64, .as.i = 0 };
			*hi = (teg_value){ .type = TEG_INT64, .as.i = len - 1 };
		}
		if ((uint64_t)hi->as.i - (uint64_t)lo->as.i + 1 != (uint64_t)len)
			return fail_with(EXIT_FAILED,
			                 "the axis has %" PRId64
			                 " positions, the dimension %" PRIu64
			                 " (column %s, file %s)",
			                 len, (uint64_t)hi->as.i - (uint64_t)lo->as.i + 1,
			                 dimensions[d].name, dense->path);
	}
	return EXIT_OK;
}

/* ---- slabs ------------------------------------------------------------------------------------ */

/* One slab while it is read. In a file of Fortran order the axes are counted from the last. */
struct reading_slab {
	struct npy_dense *dense;
	const teg_dimension *dimensions;
	struct slabs slabs;
	struct npy_slab slab;
	uint8_t *items, *valid; /* valid: of all nullable attributes, one after another */
};

static size_t axis_of(const struct reading_slab *r, size_t d)
{
	return r->dense->array.header.fortran ? r->slabs.rank - 1 - d : d;
}

static void place(struct reading_slab *r)
{
	ptrdiff_t stride = (ptrdiff_t)r->dense->array.header.item_size;

	r->slab.rank = r->slabs.rank;
	r->slab.cells = r->slabs.cells;
	for (size_t i = r->slabs.rank; i-- > 0;) {
		size_t d = axis_of(r, i);
		int64_t from = r->dimensions[d].lo.as.i + (int64_t)r->slabs.at[i];

		r->slab.strides[d] = stride;
		r->slab.n[d] = r->slabs.n[i];
		r->slab.box[d].lo = (teg_value){ .type = TEG_INT64, .as.i = from };
		r->slab.box[d].hi =
			(teg_value){ .type = TEG_INT64, .as.i = from + (int64_t)r->slabs.n[i] - 1 };
		stride *= (ptrdiff_t)r->slabs.n[i];
	}
}

/* The row-major place of every cell in turn, which lie in the order of the file. */
static uint64_t next_place(const struct npy_slab *slab, bool fortran, uint64_t *index)
{
	uint64_t at = 0;

	for (size_t d = 0; d < slab->rank; d++)
		at = at * slab->n[d] + index[d];
	for (size_t i = 0; i < slab->rank; i++) {
		size_t d = fortran ? i : slab->rank - 1 - i;

		if (++index[d] < slab->n[d])
			break;
		index[d] = 0;
	}
	return at;
}

static void swap_bytes(uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		uint8_t kept = at[i];

		at[i] = at[n - 1 - i];
		at[n - 1 - i] = kept;
	}
}

/* Turns an item's value into ours where it lies. */
static bool convert(const struct npy_field *field, uint8_t *at, uint8_t *valid_out, struct why *why)
{
	int64_t value;

	if (field->swap && field->type.type != TEG_FIXED_BYTES)
		swap_bytes(at, field->size);
	if (field->how == NPY_BOOL && *at > 1)
		return refuse(why, "%u is not a bool", *at);
	if (!nullable(field))
		return true;
	memcpy(&value, at, sizeof value);
	*valid_out = value != INT64_MIN;
	if (!*valid_out)
		value = 0;
	if (__builtin_mul_overflow(value, field->factor, &value) ||
	    (field->how == NPY_DATE && value != (int32_t)value))
		return refuse(why, "a time does not fit");
	memcpy(at, &value, sizeof value);
	return true;
}

static bool convert_field(struct reading_slab *r, const struct npy_field *field, uint8_t *valid,
                          struct why *why)
{
	const struct npy_header *h = &r->dense->array.header;
	uint64_t index[TEG_MAX_DIMENSIONS] = { 0 };
	bool asis = !field->swap && field->how == NPY_PLAIN;

	for (uint64_t i = 0; !asis && i < r->slabs.cells; i++) {
		struct why inner;
		uint64_t at = valid ? next_place(&r->slab, h->fortran, index) : 0;

		if (!convert(field, r->items + i * h->item_size + field->offset,
		             valid ? &valid[at] : NULL, &inner))
			return refuse(why, "item %" PRIu64 ": %s", r->slabs.first + i, inner.text);
	}
	return true;
}

static bool read_slab(struct reading_slab *r, struct why *why)
{
	struct npy_array *array = &r->dense->array;
	const struct npy_header *h = &array->header;
	uint8_t *valid = r->valid;

	if (!bytes_read(&array->bytes, h->len + r->slabs.first * h->item_size, r->items,
	                (size_t)r->slabs.cells * h->item_size, why))
		return false;
	place(r);
	for (size_t i = 0; i < h->n_fields; i++) {
		const struct npy_field *field = &h->fields[i];
		bool nulls = nullable(field);

		if (!convert_field(r, field, nulls ? valid : NULL, why))
			return false;
		r->slab.buffers[i] = (teg_buffer){
			.name = field->name ? field->name : "value",
			.values = r->items + field->offset,
			.values_len = (size_t)r->slabs.cells * h->item_size - field->offset,
			.strides = r->slab.strides,
			.validity = nulls ? valid : NULL,
		};
		valid += nulls ? r->slabs.most : 0;
	}
	return true;
}

static bool begin(struct reading_slab *r)
{
	const struct npy_header *h = &r->dense->array.header;
	uint64_t shape[NPY_MAX_RANK];
	bool any;

	r->slabs.rank = h->rank;
	for (size_t d = 0; d < h->rank; d++)
		shape[d] = h->shape[axis_of(r, d)];
	any = slabs_begin(&r->slabs, shape, h->rank, h->item_size);
	r->slab.n_buffers = h->n_fields;
	r->slab.buffers = need_memory(h->n_fields, sizeof *r->slab.buffers);
	r->items = need_memory((size_t)r->slabs.most, h->item_size);
	r->valid = need_memory((size_t)r->slabs.most, h->n_fields);
	return any;
}

bool npy_dense_each(struct npy_dense *dense, const teg_dimension *dimensions,
                    bool (*each)(void *ctx, const struct npy_slab *slab), void *ctx)
{
	struct reading_slab r = { .dense = dense, .dimensions = dimensions };
	struct why why = { "" };
	bool more = begin(&r), ok = true, going = true;

	for (; more && ok && going; more = slabs_next(&r.slabs)) {
		ok = read_slab(&r, &why);
		going = ok && each(ctx, &r.slab);
	}
	if (ok && going)
		ok = bytes_end(&dense->array.bytes, &why);
	if (!ok)
		text_addf(&dense->error, "%s (file %s)", why.text, dense->path);
	free(r.slab.buffers);
	free(r.items);
	free(r.valid);
	return ok && going;
}

/* ---- putting ---------------------------------------------------------------------------------- */

struct putting {
	teg_txn *txn;
	const char *array;
	const teg_put_options *options;
	teg_status status;
	teg_error *err;
};

static bool put(void *ctx, const struct npy_slab *slab)
{
	struct putting *p = ctx;

	p->status = teg_txn_put_box(p->txn, p->array, slab->box, slab->buffers, slab->n_buffers,
	                            p->options, p->err);
	return p->status == TEG_OK;
}

bool npy_dense_put(struct npy_dense *dense, teg_txn *txn, const char *array,
                   const teg_dimension *dimensions, const teg_put_options *options,
                   teg_status *status_out, teg_error *err)
{
	struct putting p = { txn, array, options, TEG_OK, err };
	bool ok = npy_dense_each(dense, dimensions, put, &p);

	*status_out = p.status;
	return ok;
}
