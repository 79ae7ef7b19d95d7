/* What verify does about check rules: the current rows of an array, as a scan gives them. */
#ifndef TEG_ENGINE_VERIFY_RULES_H
#define TEG_ENGINE_VERIFY_RULES_H
#include "engine/store/store.h"

/* Tells each rule that a current row breaks, once, with TEG_SCHEMA, the column and the first such row,
 * and counts it. Fails where the scan does. */
teg_status verify_rules(struct teg_array *array, teg_damage each, void *ctx, uint64_t *n_broken,
                        teg_error *err);
#endif
