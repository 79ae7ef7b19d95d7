/* tilectl import: a file becomes an array, or more rows of one. One commit, whatever its size; a ledger
 * may take several. */
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/arrow.h"
#include "tools/tilectl/import_spec.h"
#include "tools/tilectl/ledger.h"
#include "tools/tilectl/npy_dense.h"
#include "tools/tilectl/number.h"
#include "tools/tilectl/session.h"
#include "tools/tilectl/source.h"
#include "tools/tilectl/verify.h"

struct import {
	const struct args *args;
	struct source source;
	bool boxed; /* a NumPy array is put as boxes of cells, not as rows */
	struct npy_dense dense;
	struct args with_dims; /* the arguments, with the names of its axes */
	struct ArrowArrayStream stream;
	struct ArrowSchema schema;
	struct import_spec spec;
	teg_txn_options txn;
	char *key_writer;
	teg_commit_result result;
	teg_commit_part part; /* of the array; its name is not kept */
	struct ledger ledger; /* --system-time */
};

/* WRITER[:SEQUENCE]; a writer's name may hold colons where a sequence follows. */
static int read_key(struct import *import)
{
	const char *key = import->args->value[OPT_KEY], *colon;
	size_t len;

	if (!key)
		return EXIT_OK;
	colon = strrchr(key, ':');
	len = colon ? (size_t)(colon - key) : strlen(key);
	import->txn.key_sequence = 1;
	if (!len || (colon && !number_read_uint(colon + 1, strlen(colon + 1), UINT64_MAX,
	                                        &import->txn.key_sequence)))
		return usage(import->args, "--key: '%.80s' is not WRITER or WRITER:SEQUENCE", key);
	import->key_writer = need_memory(len + 1, 1);
	memcpy(import->key_writer, key, len);
	import->txn.key_writer = import->key_writer;
	return EXIT_OK;
}

/* Opens the source and takes its schema; `array` (may be NULL) is the one that is added to. */
static int open_source(struct import *import, const teg_array *array)
{
	const char *why;
	int code = source_open(&import->source, import->args, array ? teg_array_spec(array) : NULL);

	if (code == EXIT_OK)
		code = source_stream(&import->source, &import->stream);
	if (code != EXIT_OK || !import->stream.get_schema(&import->stream, &import->schema))
		return code;
	why = import->stream.get_last_error(&import->stream);
	return fail_with(EXIT_FAILED, "%s", why ? why : "no schema");
}

/* Opens the array that is added to, as it is before. */
static int open_array(struct import *import, struct session *session)
{
	teg_error err;

	if (!import->args->value[OPT_APPEND])
		return EXIT_OK;
	if (teg_snapshot_open(session->store, &session->snapshot, &err) != TEG_OK ||
	    teg_array_open(session->snapshot, import->args->value[OPT_ARRAY], &session->array,
	                   &err) != TEG_OK)
		return fail_call(&err);
	return EXIT_OK;
}

static void keep_part(void *ctx, const teg_commit_part *part)
{
	struct import *import = ctx;

	import->part = *part;
}

static teg_status fill(struct import *import, teg_txn *txn, teg_error *err)
{
	const char *array = import->args->value[OPT_ARRAY];
	teg_status status = TEG_OK;
	uint64_t n_rows;

	if (!import->args->value[OPT_APPEND])
		status = teg_txn_create_from_arrow(txn, array, &import->spec.spec, &import->schema,
		                                   &import->spec.put, err);
	if (status == TEG_OK && import->boxed) {
		npy_dense_put(&import->dense, txn, array, import->spec.dimensions,
		              &import->spec.put, &status, err);
		return status == TEG_OK && import->dense.error.len ? TEG_IO : status;
	}
	if (status == TEG_OK)
		status = teg_txn_put_stream(txn, array, &import->stream, &import->spec.put, &n_rows,
		                            err);
	return status;
}

static int commit(struct import *import, teg_store *store)
{
	teg_txn *txn;
	teg_status status;
	teg_error err;

	import->result.struct_size = sizeof import->result;
	if (teg_txn_begin(store, &import->txn, &txn, &err) != TEG_OK)
		return fail_call(&err);
	status = fill(import, txn, &err);
	if (status == TEG_OK)
		status = teg_txn_commit_parts(txn, &import->result, keep_part, import, &err);
	if (status == TEG_OK)
		return EXIT_OK;
	teg_txn_abort(txn);
	if (import->source.error.len) /* it says more than "the stream failed" */
		return fail_with(EXIT_FAILED, "%s", import->source.error.at);
	if (import->dense.error.len)
		return fail_with(EXIT_FAILED, "%s", import->dense.error.at);
	return fail_call(&err);
}

/* One that comes through a pipe cannot be read again: it is one commit. */
static bool is_ledger(const struct import *import)
{
	return import->spec.put.system_time_column && !import->source.pipe && !import->boxed;
}

/* Parts that an earlier run with the key has published are there, the array with them. */
static int look_for_parts(struct import *import, struct session *session)
{
	teg_error err;

	if (!import->key_writer)
		return EXIT_OK;
	if (!session->array &&
	    (teg_snapshot_open(session->store, &session->snapshot, &err) != TEG_OK ||
	     teg_array_open(session->snapshot, import->args->value[OPT_ARRAY], &session->array,
	                    &err) != TEG_OK))
		return err.status == TEG_NOT_FOUND ? EXIT_OK : fail_call(&err);
	return ledger_look(&import->ledger, session->array, &err) == TEG_OK ? EXIT_OK
	                                                                    : fail_call(&err);
}

static int publish(struct import *import, struct session *session)
{
	struct ledger *l = &import->ledger;
	const char *rows = import->args->value[OPT_PART_ROWS];
	teg_status status;
	teg_error err;
	int code;

	if (rows &&
	    (!number_read_uint(rows, strlen(rows), UINT32_MAX, &l->part_rows) || !l->part_rows))
		return usage(import->args, "--part-rows: '%.80s' is not a number of rows", rows);
	l->store = session->store;
	l->source = &import->source;
	l->array = import->args->value[OPT_ARRAY];
	l->spec = import->args->value[OPT_APPEND] ? NULL : &import->spec.spec;
	l->put = import->spec.put;
	l->txn = import->txn;
	code = look_for_parts(import, session);
	if (code != EXIT_OK)
		return code;
	status = ledger_import(l, &err);
	import->result = l->result;
	if (status == TEG_OK)
		return EXIT_OK;
	return import->source.error.len ? fail_with(EXIT_FAILED, "%s", import->source.error.at)
	                                : fail_call(&err);
}

/* The commit stays whatever comes out: it was acknowledged, and others may have read it. */
static int verify(struct import *import, teg_store *store)
{
	struct verify verify = { store, import->args->value[OPT_ARRAY], import->args->operand[0],
		                 import->result.system_time, &import->spec.put };

	if (!import->args->value[OPT_VERIFY] || !import->result.system_time)
		return EXIT_OK;
	if (import->boxed)
		return verify_dense(&verify, &import->dense);
	return verify_rows(&verify, &import->source);
}

static int print_result(const struct import *import)
{
	static const struct report_column columns[] = {
		{ "array", false },       { "version", true },   { "system_time", false },
		{ "rows", true },         { "segments", true },  { "bytes", true },
		{ "first_row_id", true }, { "repeated", false }, { "verified", false },
	};
	const teg_commit_result *result = &import->result;
	struct report r;

	report_begin(&r, "import", NULL, columns, sizeof columns / sizeof *columns,
	             args_format(import->args));
	report_string(&r, import->args->value[OPT_ARRAY]);
	report_u64(&r, result->version);
	if (result->system_time)
		report_time(&r, result->system_time);
	else
		report_null(&r);
	report_u64(&r, result->n_rows);
	report_u64(&r, result->n_segments);
	report_u64(&r, result->n_bytes);
	if (import->part.array && import->part.first_row_id >= 0)
		report_i64(&r, import->part.first_row_id);
	else
		report_null(&r);
	report_bool(&r, result->repeated);
	report_bool(&r, import->args->value[OPT_VERIFY] != NULL);
	report_end_row(&r);
	return report_end(&r);
}

/* "x","y": the dimensions of an array that exists. */
static void add_dims(struct text *out, const teg_spec *spec)
{
	for (size_t d = 0; d < spec->n_dimensions; d++)
		text_addf(out, "%s\"%s\"", d ? "," : "", spec->dimensions[d].name);
}

/* Whether the file is a NumPy array and goes into a dense array as it is. */
static bool is_boxed(const struct args *args, const teg_array *array)
{
	const struct way *way = args->value[OPT_FILE_FORMAT]
	                                ? &ways[args_choice(args, OPT_FILE_FORMAT, 0)]
	                                : way_by_name(args->operand[0]);
	bool dense = array ? teg_array_spec(array)->kind == TEG_DENSE
	                   : args_choice(args, OPT_KIND, 0) == TEG_DENSE - TEG_TABLE;

	return dense && way && way->open == npy_open_way;
}

static int open_dense(struct import *import, const teg_array *array)
{
	const char *path = import->args->operand[0], *dims = import->args->value[OPT_DIMS];
	struct text names = { NULL, 0, 0 };
	int code;

	if (array)
		add_dims(&names, teg_array_spec(array));
	import->boxed = true;
	code = npy_dense_open(&import->dense, path, strcmp(path, "-") != 0 ? -1 : 0,
	                      array && !dims ? text_string(&names) : dims, &import->schema);
	text_free(&names);
	import->with_dims = *import->args;
	import->with_dims.value[OPT_DIMS] = import->dense.dims;
	import->args = &import->with_dims;
	return code;
}

/* The domain of the axes: the array's, where it is there already. */
static int take_domain(struct import *import, const teg_array *array)
{
	const teg_spec *spec = array ? teg_array_spec(array) : NULL;

	for (size_t d = 0; spec && d < import->spec.dims.n; d++) {
		import->spec.dimensions[d].lo = spec->dimensions[d].lo;
		import->spec.dimensions[d].hi = spec->dimensions[d].hi;
	}
	return npy_dense_domain(&import->dense, import->spec.dimensions, import->spec.dims.n);
}

static const char *writer_of(const struct import *import)
{
	return import->key_writer ? import->key_writer : "tilectl";
}

/* A store is made only when the source is known to be good. */
static int prepare(struct import *import, struct session *session)
{
	const char *path = import->args->operand[1];
	bool append = import->args->value[OPT_APPEND] != NULL;
	int code = EXIT_OK;

	if (append)
		code = session_open_store(session, path, TEG_CREATE_NO, writer_of(import));
	if (code == EXIT_OK)
		code = open_array(import, session);
	if (code == EXIT_OK)
		code = is_boxed(import->args, session->array) ? open_dense(import, session->array)
		                                              : open_source(import, session->array);
	if (code == EXIT_OK)
		code = import_spec_read(&import->spec, import->args, &import->schema);
	if (code == EXIT_OK && append)
		code = import_spec_agrees(&import->spec, import->args, session->array);
	if (code == EXIT_OK && import->boxed)
		code = take_domain(import, session->array);
	if (code == EXIT_OK && !append)
		code = session_open_store(session, path, TEG_CREATE_IF_MISSING, writer_of(import));
	return code;
}

static int import_file(struct import *import)
{
	struct session session = { NULL, NULL, NULL };
	int code = prepare(import, &session);

	if (code == EXIT_OK)
		code = is_ledger(import) ? publish(import, &session)
		                         : commit(import, session.store);
	if (code == EXIT_OK)
		code = verify(import, session.store);
	session_close(&session);
	return code == EXIT_OK ? print_result(import) : code;
}

static int run(const struct args *args)
{
	struct import import = { .args = args, .txn = { .struct_size = sizeof import.txn } };
	int code = args_exclude(args, OPT_CREATE, OPT_APPEND);

	if (code == EXIT_OK)
		code = args_exclude(args, OPT_KEYS, OPT_APPEND);
	if (code == EXIT_OK)
		code = args_exclude(args, OPT_VERIFY, OPT_SYSTEM_TIME_COLUMN);
	if (code == EXIT_OK && args->value[OPT_PART_ROWS] && !args->value[OPT_SYSTEM_TIME_COLUMN])
		code = usage(args, "--part-rows goes with --system-time");
	if (code == EXIT_OK && args->value[OPT_VERIFY] && !strcmp(args->operand[0], "-"))
		code = usage(args, "--verify reads the file twice, which stdin does not allow");
	if (code == EXIT_OK)
		code = read_key(&import);
	if (code == EXIT_OK)
		code = import_file(&import);
	import_spec_release(&import.spec);
	arrow_schema_release(&import.schema);
	arrow_stream_release(&import.stream);
	source_release(&import.source);
	if (import.boxed)
		npy_dense_close(&import.dense);
	free(import.key_writer);
	ledger_release(&import.ledger);
	return code;
}

static const enum opt_id opts[] = {
	OPT_ARRAY,       OPT_CREATE,     OPT_APPEND,      OPT_KIND,
	OPT_DIMS,        OPT_CELLS,      OPT_KEY_COLUMN,  OPT_ROW_ID,
	OPT_DOMAIN,      OPT_TILE,       OPT_FILL,        OPT_TILE_ORDER,
	OPT_PROFILE,     OPT_VALID_FROM, OPT_VALID_UNTIL, OPT_SYSTEM_TIME_COLUMN,
	OPT_ROW_KIND,    OPT_KEY,        OPT_PART_ROWS,   OPT_VERIFY,
	OPT_FILE_FORMAT, OPT_TYPES,      OPT_NULLS,       OPT_DELIMITER,
	OPT_VECTORS,     OPT_KEYS,       OPT_FORMAT,      OPT_END
};

const struct command cmd_import = {
	"import",
	"FILE STORE",
	"make an array of a file, or append one to an array",
	"One import is one commit, whatever its size: all of it is visible or nothing (but for ledgers). FILE may be a\n"
	"directory of parts with one schema, taken in the order of their numbers, or - for stdin. The\n"
	"end of the name says of what kind it is, or --file-format does. Types of CSV and NDJSON are\n"
	"those of the array on --append, else guessed from the first 4 MiB.\n"
	"Columns named by --valid-from, --valid-until, --row-id, --system-time and --row-kind are not\n"
	"attributes: times are integers of microseconds or timestamps, kinds live, tombstone and erased\n"
	"or 0, 1 and 2. With --system-time the file is a ledger, as export --all-versions writes one, boxes\n"
	"with columns box_end.DIMENSION included. A long one is published in parts, each the rows of a range\n"
	"of system times and all or nothing; with --key a run that was cut off goes on behind the last one.\n"
	"From stdin it is one commit.\n"
	"On --append, nullable columns that the file lacks\n"
	"are null; anything else that does not fit is refused.\n",
	opts,
	true,
	run
};
