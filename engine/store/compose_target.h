/* What the files that put changes of arrays into the catalog share. */
#ifndef TEG_ENGINE_STORE_COMPOSE_TARGET_H
#define TEG_ENGINE_STORE_COMPOSE_TARGET_H
#include "engine/store/compose.h"

/* One change on its way into the catalog. */
struct target {
	struct array_change *change;
	struct array_record record;
	const struct schema *schema; /* that the array will have */
};

/* A new schema, into the record. TEG_CONFLICT where another commit changed it first, or where the
 * new name is taken (TEG_EXISTS). */
teg_status compose_alter(struct compose *c, struct target *target, teg_error *err);
/* The edits that a new name takes, besides the record itself. */
teg_status compose_rename(struct compose *c, const struct target *target, teg_error *err);
/* All edits of an array that goes: its name, segments and times; its id stays, spent. */
teg_status compose_drop(struct compose *c, const struct target *target, teg_error *err);
/* Whether another change of the same commit leaves that name free. */
bool compose_frees_name(const struct compose *c, const char *name);
#endif
