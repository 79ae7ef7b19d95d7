/* Rows that their lanes cannot tell apart: texts with the same first eight bytes. Private to
 * engine/write. */
#ifndef TEG_ENGINE_WRITE_TIES_H
#define TEG_ENGINE_WRITE_TIES_H
#include "engine/order/order.h"
#include "engine/write/rows.h"

/* `at`: n rows sorted as far as lanes go, in `order`. Sorts each run of equal lanes by the whole
 * texts in cell order, stable. TEG_NOMEM. */
teg_status ties_settle(const struct rows *rows, const struct order *order, uint32_t *at, uint32_t n,
                       teg_error *err);
#endif
