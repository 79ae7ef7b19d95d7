/* tilectl erase: removes the content of cells and what was said of commits for good, and prints the
 * receipt. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "engine/tegula_unstable.h"
#include "tools/tilectl/number.h"
#include "tools/tilectl/opt.h"
#include "tools/tilectl/scan_args.h"
#include "tools/tilectl/session.h"
#include "tools/tilectl/when.h"

#define GRACE_US (24 * INT64_C(3600000000)) /* of a vacuum that says nothing else */
#define POLL_NS 50000000L
#define VERSIONS_MAX ((uint64_t)1 << 24) /* that --metadata may name */

struct file {
	char path[64];
	uint64_t len, digest;
};

struct erasing {
	const struct args *args;
	struct session session;
	teg_txn_options txn;
	teg_erase what;
	struct box box;
	teg_predicate *predicate;
	int64_t wait_us;
	teg_commit_result result;
	teg_purge_result purged;
	bool metadata; /* of all commits */
	uint64_t *versions;
	size_t n_versions;
	struct file *files;
	size_t n_files;
};

/* Is there anything to erase, or only what was erased before to be completed? */
static bool erases(const struct erasing *e)
{
	return e->args->value[OPT_WHERE] || e->args->value[OPT_BOX];
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* "5" or "5:9", later than those before. */
static bool add_versions(struct erasing *e, const char *at, size_t len)
{
	const char *colon = memchr(at, ':', len);
	size_t first_len = colon ? (size_t)(colon - at) : len;
	uint64_t first, last;

	if (!number_read_uint(at, first_len, INT64_MAX, &first))
		return false;
	last = first;
	if (colon && !number_read_uint(colon + 1, len - first_len - 1, INT64_MAX, &last))
		return false;
	if (!first || last < first || last - first >= VERSIONS_MAX - e->n_versions ||
	    (e->n_versions && first <= e->versions[e->n_versions - 1]))
		return false;
	for (; first <= last; first++) {
		e->versions = need_more(e->versions, e->n_versions + 1, sizeof *e->versions);
		e->versions[e->n_versions++] = first;
	}
	return true;
}

static int read_versions(struct erasing *e)
{
	const char *at = e->args->value[OPT_METADATA];

	if (!at)
		return EXIT_OK;
	if (!e->args->value[OPT_NOW])
		return usage(e->args, "--metadata goes with --now");
	e->metadata = !strcmp(at, "all");
	if (e->metadata)
		return EXIT_OK;
	for (;;) {
		size_t len = strcspn(at, ",");

		if (!add_versions(e, at, len))
			return usage(
				e->args,
				"--metadata: write all, or versions in ascending order: 2,5:9");
		if (!at[len])
			return EXIT_OK;
		at += len + 1;
	}
}

static int check_what(const struct erasing *e)
{
	if (!erases(e) && !e->args->value[OPT_NOW])
		return usage(e->args, "tilectl erase needs --where or --box, or --now");
	if (erases(e) && !e->args->value[OPT_ARRAY])
		return usage(e->args, "tilectl erase needs --array NAME");
	if (!erases(e) && (e->args->value[OPT_FORGET] || e->args->value[OPT_SYSTEM_TIME]))
		return usage(e->args, "--forget and --system-time go with --where or --box");
	return EXIT_OK;
}

static int read_options(struct erasing *e)
{
	const char *at = e->args->value[OPT_SYSTEM_TIME], *wait = e->args->value[OPT_WAIT];
	struct why why;
	int code = check_what(e);

	if (code == EXIT_OK)
		code = read_versions(e);
	if (code != EXIT_OK)
		return code;
	if (at && !when_read_option(at, strlen(at), &e->txn.system_time, &why))
		return usage(e->args, "--system-time: %s", why.text);
	if (at && !e->txn.system_time)
		return usage(e->args,
		             "--system-time: 0 stands for the clock; leave the option out");
	if (wait && !e->args->value[OPT_NOW])
		return usage(e->args, "--wait goes with --now");
	if (wait && !when_read_duration(wait, &e->wait_us, &why))
		return usage(e->args, "--wait: %s", why.text);
	e->what.forget = e->args->value[OPT_FORGET] != NULL;
	return read_predicate(e->args, &e->predicate);
}

/* The box has the types of the array, which a snapshot knows; it must be closed before files go. */
static int bind_box(struct erasing *e)
{
	struct session session;
	bool boxed = false;
	int code;

	if (!erases(e))
		return EXIT_OK;
	code = session_open(&session, e->args->operand[0], e->args->value[OPT_ARRAY]);
	if (code == EXIT_OK)
		code = read_box(e->args, session.array, &e->box, &boxed);
	e->what.box = boxed ? e->box.range : NULL;
	e->what.predicate = e->predicate;
	session_close(&session);
	return code;
}

static bool note_erasure(void *ctx, const teg_version_info *version)
{
	struct erasing *e = ctx;

	if (strcmp(version->action, "erase"))
		return true;
	e->result.version = version->version;
	e->result.system_time = version->system_time;
	return false;
}

/* Where nothing is left to erase, or nothing was asked for, the receipt is of the array's last erasure,
 * which a command that was cut off may have begun. */
static int find_erasure(struct erasing *e)
{
	const char *array = e->args->value[OPT_ARRAY];
	struct session session;
	teg_error err;
	int code;

	e->result.version = 0;
	if (!array)
		return EXIT_OK;
	code = session_open(&session, e->args->operand[0], array);
	if (code == EXIT_OK &&
	    teg_walk_array_versions(session.array, note_erasure, e, &err) != TEG_OK)
		code = fail_call(&err);
	session_close(&session);
	return code;
}

static int commit_erasure(struct erasing *e)
{
	teg_txn *txn;
	teg_status status;
	teg_error err;

	if (teg_txn_begin(e->session.store, &e->txn, &txn, &err) != TEG_OK)
		return fail_call(&err);
	status = teg_txn_erase(txn, e->args->value[OPT_ARRAY], &e->what, &err);
	if (status == TEG_OK)
		status = teg_txn_commit(txn, &e->result, &err);
	if (status == TEG_OK)
		return EXIT_OK;
	teg_txn_abort(txn);
	return fail_call(&err);
}

static int commit(struct erasing *e)
{
	int code = erases(e) ? commit_erasure(e) : EXIT_OK;

	return code == EXIT_OK && !e->result.system_time ? find_erasure(e) : code;
}

/* ---- now ---- */

static void note_file(void *ctx, const teg_purged_file *file)
{
	struct erasing *e = ctx;
	struct file *to;

	e->files = need_more(e->files, e->n_files + 1, sizeof *e->files);
	to = &e->files[e->n_files++];
	*to = (struct file){ .len = file->len, .digest = file->digest };
	strncpy(to->path, file->path, sizeof to->path - 1);
}

static int purge(struct erasing *e)
{
	const struct timespec pause = { 0, POLL_NS };
	teg_purge_options options = { .struct_size = sizeof options,
		                      .array = e->args->value[OPT_ARRAY],
		                      .metadata = e->metadata,
		                      .versions = e->versions,
		                      .n_versions = e->n_versions,
		                      .each = note_file,
		                      .each_ctx = e };
	int64_t end = now_us() + e->wait_us;
	teg_error err;

	for (;;) {
		teg_purge_result part = { .struct_size = sizeof part };

		if (teg_purge(e->session.store, &options, &part, &err) != TEG_OK)
			return fail_call(&err);
		if (!options.only_vacuum)
			e->purged = part;
		e->purged.files_kept = part.files_kept;
		options.only_vacuum = true;
		options.metadata = false;
		options.n_versions = 0;
		if (!part.files_kept || now_us() >= end)
			return EXIT_OK;
		nanosleep(&pause, NULL);
	}
}

/* ---- the receipt ---- */

static void put_u64(struct json *j, const char *key, uint64_t value)
{
	char text[24];

	json_key(j, key);
	json_quoted(j, text,
	            (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)value));
}

static void put_time(struct json *j, const char *key, int64_t us)
{
	struct text text = { 0 };

	when_add_time(&text, us, TEG_MICRO, true);
	json_key(j, key);
	json_quoted(j, text_string(&text), text.len);
	text_free(&text);
}

static void put_flag(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	json_bare(j, value ? "true" : "false", value ? 4 : 5);
}

static void put_file(struct json *j, const char *path, uint64_t len, uint64_t digest)
{
	char hex[17];

	json_open_row(j);
	json_key(j, "file");
	json_quoted(j, path, strlen(path));
	put_u64(j, "bytes", len);
	json_key(j, "digest");
	json_quoted(j, hex,
	            (size_t)snprintf(hex, sizeof hex, "%016llx", (unsigned long long)digest));
	json_close_object(j);
}

/* Segments of their own have a file's name of 32 digits, others the number of their manifest. */
static bool put_segment(void *ctx, const teg_segment_info *s)
{
	const char *number = strrchr(s->object, '/');
	char path[64];

	if (s->inlined && number)
		snprintf(path, sizeof path, "manifests/%020llu", strtoull(number + 1, NULL, 10));
	else
		snprintf(path, sizeof path, "segments/%s", s->object);
	put_file(ctx, path, s->length, s->checksum);
	return true;
}

static int put_array(void *ctx, teg_array *array)
{
	teg_error err;

	return teg_walk_segments(array, put_segment, ctx, &err) == TEG_OK ? EXIT_OK
	                                                                  : fail_call(&err);
}

static int put_written(struct erasing *e, struct json *j)
{
	struct session session;
	int code = session_open(&session, e->args->operand[0], NULL);

	json_key(j, "written");
	json_open_array(j);
	if (code == EXIT_OK)
		code = session_each_array(&session, e->args->value[OPT_ARRAY], put_array, j);
	json_close_array(j);
	session_close(&session);
	return code;
}

static void put_what(struct erasing *e, struct json *j)
{
	const char *array = e->args->value[OPT_ARRAY];
	bool box_only = e->what.box && !e->what.predicate;

	json_key(j, "schema");
	json_quoted(j, "tilectl.erase/1", 15);
	json_key(j, "array");
	if (array)
		json_quoted(j, array, strlen(array));
	else
		json_bare(j, "null", 4);
	if (e->result.version) {
		put_u64(j, "version", e->result.version);
	} else {
		json_key(j, "version");
		json_bare(j, "null", 4);
	}
	if (e->result.system_time)
		put_time(j, "system_time", e->result.system_time);
	put_u64(j, box_only ? "boxes" : "keys", e->result.n_rows);
	put_flag(j, "forget", e->what.forget);
}

static int print_receipt(struct erasing *e)
{
	bool now = e->args->value[OPT_NOW] != NULL, complete = now && !e->purged.files_kept;
	struct text out = { 0 };
	struct json j;
	int code;

	json_init(&j, &out);
	json_open_object(&j);
	put_what(e, &j);
	put_flag(&j, "complete", complete);
	put_time(&j, "snapshots_end", complete ? now_us() : now_us() + GRACE_US);
	put_u64(&j, "rows_removed", e->purged.rows_erased);
	put_u64(&j, "metadata_removed", e->purged.metadata_removed);
	put_u64(&j, "files_removed", e->n_files);
	put_u64(&j, "files_kept", e->purged.files_kept);
	json_key(&j, "removed");
	json_open_array(&j);
	for (size_t i = 0; i < e->n_files; i++)
		put_file(&j, e->files[i].path, e->files[i].len, e->files[i].digest);
	json_close_array(&j);
	code = put_written(e, &j);
	json_close_object(&j);
	text_adds(&out, "\n");
	if (code == EXIT_OK)
		code = report_plain(text_string(&out));
	text_free(&out);
	if (code == EXIT_OK && now && !complete)
		return fail_with(EXIT_FAILED,
		                 "%llu files are still needed by open snapshots or writers",
		                 (unsigned long long)e->purged.files_kept);
	return code;
}

static int run(const struct args *args)
{
	struct erasing e = { .args = args,
		             .txn = { .struct_size = sizeof e.txn },
		             .what = { .struct_size = sizeof e.what },
		             .result = { .struct_size = sizeof e.result },
		             .purged = { .struct_size = sizeof e.purged } };
	int code = read_options(&e);

	if (code == EXIT_OK)
		code = bind_box(&e);
	if (code == EXIT_OK)
		code = session_open_store(&e.session, args->operand[0], TEG_CREATE_NO, "tilectl");
	if (code == EXIT_OK)
		code = commit(&e);
	if (code == EXIT_OK && args->value[OPT_NOW])
		code = purge(&e);
	if (code == EXIT_OK)
		code = print_receipt(&e);
	free(e.files);
	free(e.versions);
	box_release(&e.box);
	teg_predicate_free(e.predicate);
	session_close(&e.session);
	return code;
}

static const enum opt_id opts[] = { OPT_ARRAY,    OPT_WHERE, OPT_BOX,         OPT_FORGET, OPT_NOW,
	                            OPT_METADATA, OPT_WAIT,  OPT_SYSTEM_TIME, OPT_END };

const struct command cmd_erase = {
	"erase",
	"STORE",
	"remove the content of cells for good, at every system time",
	"A key is erased where any version it ever had matches, or where it lies in the box. From then\n"
	"on it answers \"erased\" at every system time before its next put. The receipt goes to\n"
	"stdout, as JSON; it and the history hold counts and files, no content.\n"
	"\n"
	"Without --now the bytes go with later compactions and vacuums. With it every erasure of the\n"
	"array is completed: its segments are rewritten, and what the newest version does not need is\n"
	"removed; with them goes what was dropped, renamed or unset before. Where open snapshots need\n"
	"such files they stay, and the command says so and fails; --wait waits for them. --now may come\n"
	"alone, and without --array is about every array.\n"
	"\n"
	"--metadata takes away what commits said beside the cells (metadata that programs give a\n"
	"transaction): of versions by number, as history lists them, or with \"all\" of those that made\n"
	"the array or put, deleted or erased cells of it; without --array of all there are. The history\n"
	"goes on saying which versions had metadata removed, by which one and when. Names of arrays,\n"
	"columns and writers that are in use are no metadata. An import of a ledger that was cut off\n"
	"finds by its metadata where to go on: end it first.\n",
	opts,
	false,
	run
};
