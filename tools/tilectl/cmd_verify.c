/* tilectl verify: every referenced byte against its checksum. */
#include <inttypes.h>
#include <string.h>
#include "tools/tilectl/opt.h"
#include "tools/tilectl/session.h"

static const struct report_column columns[] = {
	{ "file", false },   { "offset", true },  { "array", false },
	{ "column", false }, { "damage", false },
};

struct listing {
	struct report report;
	enum format format;
	bool begun;
};

/* Text has a heading only where something stands under it. */
static void begin(struct listing *listing)
{
	if (!listing->begun)
		report_begin(&listing->report, "verify", "damages", columns,
		             sizeof columns / sizeof *columns, listing->format);
	listing->begun = true;
}

static void report_known(struct report *r, const char *string)
{
	if (string[0])
		report_string(r, string);
	else
		report_null(r);
}

static void print_damage(void *ctx, const teg_error *damage)
{
	struct listing *listing = ctx;
	struct report *r = &listing->report;

	begin(listing);
	report_known(r, damage->file);
	if (damage->offset >= 0)
		report_i64(r, damage->offset);
	else
		report_null(r);
	report_known(r, damage->array);
	report_known(r, damage->column);
	report_string(r, damage->message);
	report_end_row(r);
}

static void add_sums(struct text *out, const teg_verify_result *v)
{
	text_addf(out,
	          "%" PRIu64 " files, %" PRIu64 " bytes, %" PRIu64 " pages, %" PRIu64
	          " tiles, %" PRIu64 " rows: %" PRIu64 " damaged",
	          v->files, v->bytes, v->pages, v->tiles, v->rows, v->damages);
	if (v->broken_checks)
		text_addf(out, ", %" PRIu64 " checks broken", v->broken_checks);
	text_adds(out, "\n");
}

static int finish(struct listing *listing, const teg_verify_result *v)
{
	struct text sums = { NULL, 0, 0 };
	int code = EXIT_OK;

	if (listing->format != FORMAT_TEXT)
		begin(listing);
	if (listing->begun) {
		report_end_rows(&listing->report);
		report_fact_u64(&listing->report, "files", v->files);
		report_fact_u64(&listing->report, "bytes", v->bytes);
		report_fact_u64(&listing->report, "pages", v->pages);
		report_fact_u64(&listing->report, "tiles", v->tiles);
		report_fact_u64(&listing->report, "rows", v->rows);
		report_fact_u64(&listing->report, "damaged", v->damages);
		report_fact_u64(&listing->report, "broken_checks", v->broken_checks);
		code = report_end(&listing->report);
	}
	if (code == EXIT_OK && listing->format == FORMAT_TEXT) {
		add_sums(&sums, v);
		code = report_plain(text_string(&sums));
	}
	text_free(&sums);
	if (code != EXIT_OK)
		return code;
	return v->damages ? EXIT_DAMAGE : v->broken_checks ? EXIT_FAILED : EXIT_OK;
}

/* A store that cannot be opened for damage is one damage found; anything else is a failure. */
static int give_up(struct listing *listing, teg_verify_result *v, const teg_error *err)
{
	if (err->status == TEG_CORRUPT) {
		print_damage(listing, err);
		v->damages++;
		return finish(listing, v);
	}
	if (listing->begun)
		report_abandon(&listing->report);
	return fail_call(err);
}

static int run(const struct args *args)
{
	teg_store_options options = { .struct_size = sizeof options, .create = TEG_CREATE_NO };
	teg_verify_result result = { .struct_size = sizeof result };
	struct listing listing;
	teg_store *store;
	teg_error err;
	int code;

	memset(&listing, 0, sizeof listing);
	listing.format = args_format(args);
	if (teg_store_open(args->operand[0], &options, &store, &err) != TEG_OK)
		return give_up(&listing, &result, &err);
	if (teg_verify(store, args->value[OPT_DEEP] != NULL, print_damage, &listing, &result,
	               &err) == TEG_OK)
		code = finish(&listing, &result);
	else
		code = give_up(&listing, &result, &err);
	teg_store_close(store);
	return code;
}

static const enum opt_id opts[] = { OPT_DEEP, OPT_FORMAT, OPT_END };

const struct command cmd_verify = {
	"verify",
	"STORE",
	"check every referenced byte against its checksum",
	"Damage is listed by file and offset; the exit code is 4 then. With --deep current rows are held\n"
	"to the checks of their array; each that is broken is listed with the row that does it first,\n"
	"and the exit code is 1.\n",
	opts,
	false,
	run
};
