#include "tools/tilectl/verify.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/tilectl/arrow_make.h"

/* ---- a source that gives what the test says ----------------------------------------------------- */

#define N_ROWS 5

static struct {
	int64_t key[N_ROWS];
	double value[N_ROWS];
	int64_t null_row; /* of value; -1: none */
	int64_t n;
} given;

static void make_column(struct ArrowArray *array, const void *values, size_t width, int64_t null)
{
	struct making m;

	making_init(&m, false, given.n, true);
	for (int64_t i = 0; i < given.n; i++) {
		text_add(&m.values, (const char *)values + (size_t)i * width, width);
		making_end_value(&m, i != null);
	}
	making_export(&m, array);
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	(void)stream;
	arrow_make_field(out, "", "+s", false, 2);
	arrow_make_field(out->children[0], "k", "l", false, 0);
	arrow_make_field(out->children[1], "v", "g", true, 0);
	return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	out->release = NULL;
	if (stream->private_data)
		return 0;
	stream->private_data = &given;
	arrow_make_group(out, given.n, 2);
	make_column(out->children[0], given.key, sizeof *given.key, -1);
	make_column(out->children[1], given.value, sizeof *given.value, given.null_row);
	return 0;
}

static void release(struct ArrowArrayStream *stream)
{
	stream->release = NULL;
}

static int open_given(const struct part *part, struct ArrowArrayStream *out)
{
	(void)part;
	*out = (struct ArrowArrayStream){ get_schema, get_next, NULL, release, NULL };
	return EXIT_OK;
}

static const struct way way = { "given", "", "", true, open_given, NULL };

/* ---- what was stored, and what the file says later ---------------------------------------------- */

static char directory[] = "/tmp/teg-verify-XXXXXX";
static teg_store *store;

static void set_given(void)
{
	for (int64_t i = 0; i < N_ROWS; i++) {
		given.key[i] = i;
		given.value[i] = (double)i / 2;
	}
	given.null_row = 3;
	given.n = N_ROWS;
}

static int64_t import(teg_kind kind, const teg_put_options *put)
{
	teg_dimension k = { .name = "k" };
	teg_spec spec = { .struct_size = sizeof spec, .kind = kind };
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_IF_MISSING };
	teg_commit_result result = { .struct_size = sizeof result };
	struct ArrowArrayStream stream;
	struct ArrowSchema schema;
	teg_txn *txn;
	uint64_t n;

	if (kind != TEG_TABLE) {
		spec.dimensions = &k;
		spec.n_dimensions = 1;
	}
	set_given();
	cr_assert(mkdtemp(directory));
	cr_assert_eq(teg_store_open(directory, &options, &store, NULL), TEG_OK);
	cr_assert_eq(teg_txn_begin(store, NULL, &txn, NULL), TEG_OK);
	open_given(NULL, &stream);
	get_schema(&stream, &schema);
	cr_assert_eq(teg_txn_create_from_arrow(txn, "a", &spec, &schema, put, NULL), TEG_OK);
	cr_assert_eq(teg_txn_put_stream(txn, "a", &stream, put, &n, NULL), TEG_OK);
	cr_assert_eq(teg_txn_commit(txn, &result, NULL), TEG_OK);
	schema.release(&schema);
	return result.system_time;
}

static void remove_store(void)
{
	char command[64];

	teg_store_close(store);
	snprintf(command, sizeof command, "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

/* ---- changes ----------------------------------------------------------------------------------- */

static void nothing(void)
{
}

static void a_value(void)
{
	given.value[4] = 17;
}

static void the_sign_of_zero(void)
{
	given.value[0] = -0.0;
}

static void a_null_less(void)
{
	given.null_row = -1;
}

static void another_null(void)
{
	given.null_row = 2;
}

static void a_key(void)
{
	given.key[1] = 9;
}

static void a_row_less(void)
{
	given.n--;
}

static void all_rows_less(void)
{
	given.n = 0;
}

/* Each is found, in the order of rows and as a set. */
static const struct {
	const char *what;
	void (*change)(void);
	int in_order, as_set;
} changes[] = {
	{ "nothing", nothing, EXIT_OK, EXIT_OK },
	{ "a value", a_value, EXIT_FAILED, EXIT_FAILED },
	{ "the sign of zero", the_sign_of_zero, EXIT_FAILED, EXIT_FAILED },
	{ "a null less", a_null_less, EXIT_FAILED, EXIT_FAILED },
	{ "another null", another_null, EXIT_FAILED, EXIT_FAILED },
	{ "a key", a_key, EXIT_FAILED, EXIT_FAILED },
	{ "a row less", a_row_less, EXIT_FAILED, EXIT_FAILED },
	{ "all rows less", all_rows_less, EXIT_FAILED, EXIT_FAILED },
};

static void check_changes(teg_kind kind)
{
	teg_put_options put = { .struct_size = sizeof put };
	struct source source = { .way = &way, .pipe = true };
	int64_t time = import(kind, &put);
	struct verify verify = { store, "a", "given", time, &put };

	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		int wanted = kind == TEG_TABLE ? changes[i].in_order : changes[i].as_set;

		set_given();
		changes[i].change();
		cr_assert_eq(verify_rows(&verify, &source), wanted, "%s", changes[i].what);
	}
	source_release(&source);
	remove_store();
}

Test(verify, finds_every_change_of_a_table) /* H14 */
{
	check_changes(TEG_TABLE);
}

Test(verify, finds_every_change_of_cells) /* H14 */
{
	check_changes(TEG_SPARSE);
}
