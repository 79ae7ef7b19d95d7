/* tilectl info: what a store is, or what an array of it is. */
#include "engine/tegula_unstable.h"
#include "tools/tilectl/facts.h"
#include "tools/tilectl/session.h"

static const struct report_column store_columns[] = {
	{ "store_id", false },         { "format", false },        { "required_features", true },
	{ "optional_features", true }, { "version", true },        { "arrays", true },
	{ "manifest_files", true },    { "manifest_bytes", true }, { "segment_files", true },
	{ "segment_bytes", true },     { "pins", true },
};

static int print_store(struct session *session, enum format format)
{
	teg_store_facts facts;
	struct text version = { NULL, 0, 0 };
	struct report r;
	teg_error err;

	if (teg_store_get_facts(session->store, &facts, &err) != TEG_OK)
		return fail_call(&err);
	text_addf(&version, "%d.%d", facts.format_major, facts.format_minor);
	report_begin(&r, "info", NULL, store_columns, sizeof store_columns / sizeof *store_columns,
	             format);
	report_hex(&r, facts.store_id, sizeof facts.store_id);
	report_string(&r, text_string(&version));
	report_u64(&r, facts.required_features);
	report_u64(&r, facts.optional_features);
	report_u64(&r, facts.version);
	report_u64(&r, facts.n_arrays);
	report_u64(&r, facts.n_manifest_files);
	report_u64(&r, facts.manifest_bytes);
	report_u64(&r, facts.n_segment_files);
	report_u64(&r, facts.segment_bytes);
	report_u64(&r, facts.n_pins);
	report_end_row(&r);
	text_free(&version);
	return report_end(&r);
}

static const struct report_column array_columns[] = {
	{ "array", false },
	{ "array_id", true },
	{ "identity", false },
	{ "kind", false },
	{ "cells", false },
	{ "valid_time", false },
	{ "tile_order", false },
	{ "cell_order", false },
	{ "profile", false },
	{ "created_version", true },
	{ "last_system_time", false },
	{ "horizon", false },
	{ "retain_us", true },
	{ "retain_floor_us", true },
	{ "segments", true },
	{ "tiles", true },
	{ "bytes", true },
	{ "rows", true },
	{ "live", true },
	{ "tombstones", true },
	{ "erased", true },
	{ "next_row_id", true },
	{ "metadata", false },
};

static void print_declaration(struct report *r, const teg_spec *spec)
{
	report_string(r, kind_name(spec->kind));
	if (spec->kind == TEG_SPARSE)
		report_string(r, cells_name(spec->cells));
	else
		report_null(r);
	report_bool(r, spec->valid_time);
	report_string(r, order_name(spec->tile_order));
	report_string(r, order_name(spec->cell_order));
	report_string(r, profile_name(spec->profile));
}

static int print_array(teg_array *array, enum format format)
{
	teg_array_info info = { .struct_size = sizeof info };
	const teg_spec *spec = teg_array_spec(array);
	struct report r;
	teg_error err;

	if (teg_array_get_info(array, &info, &err) != TEG_OK)
		return fail_call(&err);
	report_begin(&r, "info", NULL, array_columns, sizeof array_columns / sizeof *array_columns,
	             format);
	report_string(&r, teg_array_name(array));
	report_u64(&r, info.array_id);
	report_hex(&r, info.identity, sizeof info.identity);
	print_declaration(&r, spec);
	report_u64(&r, info.created_version);
	report_time(&r, info.last_system_time);
	report_time(&r, info.horizon);
	if (info.retention.drops)
		report_i64(&r, info.retention.duration_us);
	else
		report_null(&r);
	report_i64(&r, info.retention.floor_us);
	report_u64(&r, info.n_segments);
	report_u64(&r, info.n_tiles);
	report_u64(&r, info.n_bytes);
	report_u64(&r, info.n_rows);
	report_u64(&r, info.n_live);
	report_u64(&r, info.n_tombstones);
	report_u64(&r, info.n_erased);
	if (spec->kind == TEG_TABLE)
		report_i64(&r, info.next_row_id);
	else
		report_null(&r);
	report_metadata(&r, spec->metadata, spec->n_metadata);
	report_end_row(&r);
	return report_end(&r);
}

static int run(const struct args *args)
{
	struct session session = { NULL, NULL, NULL };
	int code = session_open(&session, args->operand[0], args->value[OPT_ARRAY]);

	if (code == EXIT_OK)
		code = session.array ? print_array(session.array, args_format(args))
		                     : print_store(&session, args_format(args));
	session_close(&session);
	return code;
}

static const enum opt_id opts[] = { OPT_ARRAY, OPT_FORMAT, OPT_END };

const struct command cmd_info = {
	"info", "STORE", "say what a store is, or with --array what an array is", NULL, opts,
	false,  run
};
