/* Altering arrays inside a transaction: the schema is made at once, so that later calls see it; the
 * commit checks that it still follows the array's newest one. */
#include "engine/schema/alter.h"
#include "engine/store/options.h"
#include "engine/txn/txn.h"

/* What a list of changes makes of an array, before any of it holds. */
struct outcome {
	const struct schema *schema;
	const char *name;
	bool drop;
	bool retains;
	struct retention retention;
};

static bool has_staged(const struct txn_array *a)
{
	return (a->cells && a->cells->n) || (a->appends && a->appends->n) || a->n_boxes ||
	       a->n_puts || a->n_wheres || a->n_built || a->n_runs;
}

static teg_status check_name(struct teg_txn *txn, const struct txn_array *a, const char *name,
                             teg_error *err)
{
	bool taken = false;

	TEG_TRY(name_check(name, "array", err));
	if (strcmp(name, a->name) != 0)
		TEG_TRY(txn_name_is_taken(txn, name, &taken, err));
	return taken ? teg_fail(err, TEG_EXISTS, "there is an array %s already", name) : TEG_OK;
}

static teg_status alter_retention(const teg_retention *from, struct outcome *to, teg_error *err)
{
	if (from->duration_us < 0 || from->floor_us < 0)
		return teg_fail(err, TEG_MISUSE, "a duration is not negative");
	if (!from->drops && from->duration_us)
		return teg_fail(err, TEG_MISUSE, "a duration goes with `drops`");
	to->retains = true;
	to->retention = (struct retention){ from->drops, from->duration_us, from->floor_us };
	return TEG_OK;
}

static bool only_retains(const teg_alter *changes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (changes[i].kind != TEG_ALTER_RETAIN)
			return false;
	return true;
}

static teg_status alter_array(struct teg_txn *txn, const struct txn_array *a,
                              const teg_alter *change, struct outcome *to, teg_error *err)
{
	if (change->kind == TEG_ALTER_DROP_ARRAY)
		to->drop = true;
	if (change->kind == TEG_ALTER_RETAIN)
		return alter_retention(&change->retention, to, err);
	if (change->kind != TEG_ALTER_RENAME_ARRAY)
		return TEG_OK;
	TEG_TRY(check_name(txn, a, change->new_name, err));
	to->name = arena_text(&txn->arena, span_of_text(change->new_name));
	return to->name ? TEG_OK : teg_fail(err, TEG_NOMEM, "no memory for a name");
}

static teg_status plan(struct teg_txn *txn, const struct txn_array *a, const teg_alter *changes,
                       size_t n, struct outcome *to, teg_error *err)
{
	*to = (struct outcome){ .schema = a->schema, .name = a->name };
	if (a->created && !only_retains(changes, n))
		return teg_fail(err, TEG_MISUSE,
		                "the array is made in this transaction: declare it as it shall be");
	for (size_t i = 0; i < n; i++)
		TEG_TRY(alter_array(txn, a, &changes[i], to, err));
	if (to->drop && n > 1)
		return teg_fail(err, TEG_MISUSE, "an array that is dropped is not altered besides");
	if (!to->drop && has_staged(a) && !only_retains(changes, n))
		return teg_fail(err, TEG_MISUSE,
		                "the transaction holds rows of the array: alter it before them");
	return schema_alter(a->schema, changes, n, &txn->arena, &to->schema, err);
}

static void digest(struct teg_txn *txn, const struct txn_array *a, const struct outcome *to)
{
	txn_digest(txn, a->name, strlen(a->name));
	txn_digest(txn, to->name, strlen(to->name));
	txn_digest(txn, to->schema->identity, sizeof to->schema->identity);
	txn_digest(txn, &to->drop, sizeof to->drop);
	txn_digest(txn, &to->retains, sizeof to->retains);
	txn_digest(txn, &to->retention.drops, sizeof to->retention.drops);
	txn_digest(txn, &to->retention.duration_us, sizeof to->retention.duration_us);
	txn_digest(txn, &to->retention.floor_us, sizeof to->retention.floor_us);
}

/* The staged rows know the schema they were made for: none may be left over from before. */
static void forget_rows(struct teg_txn *txn, struct txn_array *a)
{
	txn_free_rows(txn, a->cells);
	txn_free_rows(txn, a->appends);
	a->cells = a->appends = NULL;
}

static teg_status take(struct teg_txn *txn, struct txn_array *a, const struct outcome *to,
                       teg_error *err)
{
	if (to->name != a->name)
		TEG_TRY(txn_rename_array(txn, a, to->name, err));
	if (to->schema != a->schema) {
		if (!a->base_schema)
			a->base_schema = a->schema;
		a->schema = to->schema;
		forget_rows(txn, a);
	}
	a->dropped = to->drop;
	if (to->retains) {
		a->retains = true;
		a->retention = to->retention;
	}
	return TEG_OK;
}

teg_status teg_txn_alter(teg_txn *txn, const char *array, const teg_alter *changes,
                         size_t n_changes, teg_error *err)
{
	struct txn_array *a;
	struct outcome to;
	teg_status status;

	if (!changes && n_changes)
		return teg_fail(err, TEG_MISUSE, "no changes");
	TEG_TRY(txn_array(txn, array, &a, err));
	status = plan(txn, a, changes, n_changes, &to, err);
	if (status == TEG_OK && n_changes) {
		digest(txn, a, &to);
		status = take(txn, a, &to, err);
	}
	return status == TEG_OK ? TEG_OK : error_in_array(err, status, array);
}
