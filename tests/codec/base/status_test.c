#include "codec/base/status.h"
#include <criterion/criterion.h>
#include <string.h>

/* Frozen: a program compiled against an older header must still read these numbers right. */
static const struct {
	int number;
	teg_status status;
	const char *name;
} table[] = {
	{ 0, TEG_OK, "ok" },
	{ 1, TEG_END, "end" },
	{ -1, TEG_IO, "io" },
	{ -2, TEG_CORRUPT, "corrupt" },
	{ -3, TEG_UNSUPPORTED, "unsupported" },
	{ -4, TEG_LIMIT, "limit" },
	{ -5, TEG_NOMEM, "nomem" },
	{ -6, TEG_MISUSE, "misuse" },
	{ -7, TEG_NOT_FOUND, "not_found" },
	{ -8, TEG_EXISTS, "exists" },
	{ -9, TEG_CONFLICT, "conflict" },
	{ -10, TEG_SCHEMA, "schema" },
	{ -11, TEG_DOMAIN, "domain" },
	{ -12, TEG_TIME_ORDER, "time_order" },
	{ -13, TEG_KEY_REUSED, "key_reused" },
	{ -14, TEG_SNAPSHOT_EXPIRED, "snapshot_expired" },
	{ -15, TEG_BEYOND_HORIZON, "beyond_horizon" },
	{ -16, TEG_CANCELLED, "cancelled" },
	{ -17, TEG_COMMIT_UNKNOWN, "commit_unknown" },
	{ -18, TEG_READ_ONLY, "read_only" },
	{ -19, TEG_INTERNAL, "internal" },
};

Test(status, numbers_and_names_are_frozen)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		cr_assert_eq((int)table[i].status, table[i].number, "%s", table[i].name);
		cr_assert_str_eq(teg_status_name(table[i].status), table[i].name);
	}
}

Test(status, a_number_outside_the_table_has_a_name_too)
{
	static const int outside[] = { 2, 100, INT32_MAX, -20, -100, INT32_MIN + 1, INT32_MIN };

	for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
		cr_assert_str_eq(teg_status_name((teg_status)outside[i]), "unknown", "%d",
		                 outside[i]);
}

Test(status, the_error_record_keeps_its_size)
{
	cr_assert_eq(sizeof(teg_error), 600);
	cr_assert_eq(sizeof(teg_status), 4);
}
