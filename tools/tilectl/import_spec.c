#include "tools/tilectl/import_spec.h"
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/facts.h"
#include "tools/tilectl/number.h"

static const struct ArrowSchema *find_field(const struct ArrowSchema *schema, const char *name)
{
	for (int64_t i = 0; i < schema->n_children; i++)
		if (!strcmp(schema->children[i]->name, name))
			return schema->children[i];
	return NULL;
}

static int no_column(const char *name)
{
	return fail_with(EXIT_FAILED, "the file has no column '%.80s' (column %.80s)", name, name);
}

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* ---- kind, orders, roles ---------------------------------------------------------------------- */

static int read_kind(struct import_spec *import, const struct args *args)
{
	teg_kind kind = (teg_kind)args_choice(args, OPT_KIND, import->dims.n ? 1 : 0) + TEG_TABLE;
	static const enum opt_id of_dims[] = { OPT_CELLS, OPT_DOMAIN, OPT_TILE, OPT_TILE_ORDER };

	import->spec.kind = kind;
	if (kind == TEG_TABLE && import->dims.n)
		return usage(args, "a table has no --dims: its dimension is row_id");
	if (kind != TEG_TABLE && !import->dims.n && !args->value[OPT_APPEND])
		return usage(args, "--kind %s needs --dims", kind_name(kind));
	for (size_t i = 0; kind == TEG_TABLE && i < sizeof of_dims / sizeof *of_dims; i++)
		if (args->value[of_dims[i]])
			return usage(args, "a table takes no --%s", opt_table[of_dims[i]].name);
	if (args->value[OPT_KEYS] && !args->value[OPT_KEY_COLUMN])
		return usage(args, "--keys goes with --key-column");
	if (kind != TEG_SPARSE && args->value[OPT_CELLS])
		return usage(args, "--cells is for sparse arrays");
	if (kind != TEG_DENSE && args->value[OPT_FILL])
		return usage(args, "--fill is for dense arrays");
	return EXIT_OK;
}

static void read_choices(struct import_spec *import, const struct args *args)
{
	static const teg_order orders[] = { TEG_ORDER_HILBERT, TEG_ORDER_ROW, TEG_ORDER_COLUMN,
		                            TEG_ORDER_Z };
	static const teg_profile profiles[] = { TEG_FAST, TEG_BALANCED, TEG_SMALL };

	import->spec.cells = (teg_cells)args_choice(args, OPT_CELLS, TEG_CELLS_UNIQUE);
	import->spec.profile = profiles[args_choice(args, OPT_PROFILE, 1)];
	if (args->value[OPT_TILE_ORDER])
		import->spec.tile_order = orders[args_choice(args, OPT_TILE_ORDER, 0)];
}

static int read_roles(struct import_spec *import, const struct args *args)
{
	static const enum opt_id roles[] = { OPT_VALID_FROM, OPT_VALID_UNTIL,        OPT_ROW_ID,
		                             OPT_KEY_COLUMN, OPT_SYSTEM_TIME_COLUMN, OPT_ROW_KIND };
	teg_put_options *put = &import->put;

	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (args->value[roles[i]] && !find_field(import->schema, args->value[roles[i]]))
			return no_column(args->value[roles[i]]);
	put->struct_size = sizeof *put;
	put->valid_from_column = args->value[OPT_VALID_FROM];
	put->valid_until_column = args->value[OPT_VALID_UNTIL];
	put->row_id_column = args->value[OPT_ROW_ID];
	put->system_time_column = args->value[OPT_SYSTEM_TIME_COLUMN];
	put->row_kind_column = args->value[OPT_ROW_KIND];
	if (put->row_kind_column && !put->system_time_column)
		return usage(args, "--row-kind goes with --system-time");
	put->fill_missing = true; /* a required column that is missing is still refused */
	import->spec.valid_time = put->valid_from_column || put->valid_until_column;
	import->spec.key = args->value[OPT_KEY_COLUMN];
	import->spec.key_unique = args_choice(args, OPT_KEYS, 1) == 0;
	return EXIT_OK;
}

/* ---- dimensions ------------------------------------------------------------------------------- */

static int read_dimensions(struct import_spec *import)
{
	teg_error err;

	if (import->dims.n > TEG_MAX_DIMENSIONS)
		return fail_with(EXIT_USAGE, "--dims: there are at most %d dimensions",
		                 TEG_MAX_DIMENSIONS);
	for (size_t d = 0; d < import->dims.n; d++) {
		const struct ArrowSchema *field = find_field(import->schema, import->dims.at[d]);
		teg_attribute as;

		if (!field)
			return no_column(import->dims.at[d]);
		if (teg_attribute_from_arrow(field, &as, &err) != TEG_OK)
			return fail_call(&err);
		import->dimensions[d] =
			(teg_dimension){ .name = import->dims.at[d], .type = as.type };
	}
	import->spec.dimensions = import->dimensions;
	import->spec.n_dimensions = import->dims.n;
	return EXIT_OK;
}

static int read_domain(struct import_spec *import, const struct args *args)
{
	struct why why;
	int code;

	if (!args->value[OPT_DOMAIN])
		return EXIT_OK;
	code = box_read(args->value[OPT_DOMAIN], import->dimensions, import->dims.n,
	                &import->domain, &why);
	if (code != EXIT_OK)
		return usage(args, "--domain: %s", why.text);
	for (size_t d = 0; d < import->dims.n; d++) {
		import->dimensions[d].lo = import->domain.range[d].lo;
		import->dimensions[d].hi = import->domain.range[d].hi;
	}
	return EXIT_OK;
}

static int read_extent(void *ctx, const char *name, const char *at, size_t len, struct why *why)
{
	struct import_spec *import = ctx;

	for (size_t d = 0; d < import->dims.n; d++) {
		if (strcmp(import->dims.at[d], name) != 0)
			continue;
		if (number_read_uint(at, len, UINT64_MAX, &import->dimensions[d].extent) &&
		    import->dimensions[d].extent)
			return EXIT_OK;
		refuse(why, "'%.*s' is not an extent", (int)(len < 80 ? len : 80), at);
		return EXIT_USAGE;
	}
	refuse(why, "there is no dimension '%.80s'", name);
	return EXIT_USAGE;
}

static int read_extents(struct import_spec *import, const struct args *args)
{
	struct why why;
	int code;

	if (!args->value[OPT_TILE] ||
	    box_each_item(args->value[OPT_TILE], read_extent, import, &code, &why))
		return EXIT_OK;
	return usage(args, "--tile: %s", why.text);
}

/* ---- attributes ------------------------------------------------------------------------------- */

static bool has_role(const struct import_spec *import, const char *name)
{
	for (size_t d = 0; d < import->dims.n; d++)
		if (!strcmp(import->dims.at[d], name))
			return true;
	return same(import->put.valid_from_column, name) ||
	       same(import->put.valid_until_column, name) ||
	       same(import->put.row_id_column, name) ||
	       same(import->put.system_time_column, name) ||
	       same(import->put.row_kind_column, name) ||
	       (import->put.system_time_column &&
	        (same("system_until", name) || !strncmp(name, "box_end.", strlen("box_end."))));
}

/* Every field that is to become an attribute must be of a type that can be stored: asked before
 * anything is made, so that a refused file leaves nothing behind. */
static int check_attributes(const struct import_spec *import)
{
	teg_attribute as;
	teg_error err;

	for (int64_t i = 0; i < import->schema->n_children; i++)
		if (!has_role(import, import->schema->children[i]->name) &&
		    teg_attribute_from_arrow(import->schema->children[i], &as, &err) != TEG_OK)
			return fail_call(&err);
	return EXIT_OK;
}

static int read_fill(void *ctx, const char *name, const char *at, size_t len, struct why *why)
{
	struct import_spec *import = ctx;
	const struct ArrowSchema *field = find_field(import->schema, name);
	size_t n = import->spec.n_attributes;
	struct word_range word;
	teg_error err;
	bool ok;

	if (!field || has_role(import, name)) {
		refuse(why, "there is no attribute '%.80s'", name);
		return EXIT_USAGE;
	}
	import->fills = need_more(import->fills, n + 1, sizeof *import->fills);
	if (teg_attribute_from_arrow(field, &import->fills[n], &err) != TEG_OK)
		return fail_call(&err);
	ok = word_read_range(at, len, false, &word, why) &&
	     (word.single || refuse(why, "'%.80s' is a range", at)) &&
	     value_read(&import->fills[n].type, text_string(&word.lo), word.lo.len,
	                &import->fills[n].fill, why);
	word_range_free(&word);
	if (!ok)
		return EXIT_USAGE;
	import->spec.n_attributes++;
	return EXIT_OK;
}

static int read_fills(struct import_spec *import, const struct args *args)
{
	struct why why;
	int code;

	if (!args->value[OPT_FILL])
		return EXIT_OK;
	if (!box_each_item(args->value[OPT_FILL], read_fill, import, &code, &why))
		return usage(args, "--fill: %s", why.text);
	import->spec.attributes = import->fills;
	return EXIT_OK;
}

int import_spec_read(struct import_spec *import, const struct args *args,
                     const struct ArrowSchema *schema)
{
	struct why why;
	int code;

	memset(import, 0, sizeof *import);
	import->spec.struct_size = sizeof import->spec;
	import->schema = schema;
	if (args->value[OPT_DIMS] && !word_read_names(args->value[OPT_DIMS], &import->dims, &why))
		return usage(args, "--dims: %s", why.text);
	read_choices(import, args);
	code = read_kind(import, args);
	if (code == EXIT_OK)
		code = read_roles(import, args);
	if (code == EXIT_OK)
		code = read_dimensions(import);
	if (code == EXIT_OK)
		code = read_domain(import, args);
	if (code == EXIT_OK)
		code = read_extents(import, args);
	if (code == EXIT_OK)
		code = check_attributes(import);
	return code == EXIT_OK ? read_fills(import, args) : code;
}

int import_spec_agrees(const struct import_spec *import, const struct args *args,
                       const teg_array *array)
{
	const teg_spec *spec = teg_array_spec(array);
	bool agree = !args->value[OPT_DIMS] || spec->n_dimensions == import->dims.n;

	if (args->value[OPT_KIND] && spec->kind != import->spec.kind)
		return fail_with(EXIT_FAILED, "the array is %s, not %s (array %s)",
		                 kind_name(spec->kind), args->value[OPT_KIND],
		                 teg_array_name(array));
	for (size_t d = 0; agree && d < import->dims.n; d++)
		agree = !strcmp(spec->dimensions[d].name, import->dims.at[d]);
	if (!agree)
		return fail_with(EXIT_FAILED, "the array has other dimensions than %s (array %s)",
		                 args->value[OPT_DIMS], teg_array_name(array));
	return EXIT_OK;
}

void import_spec_release(struct import_spec *import)
{
	for (size_t i = 0; i < import->spec.n_attributes; i++)
		value_release(&import->fills[i].fill);
	free(import->fills);
	box_release(&import->domain);
	word_names_free(&import->dims);
}
