/* Rows that their lanes cannot tell apart: texts with the same first eight bytes. Private to
 * engine/write. */
#ifndef TEG_ENGINE_WRITE_TIES_H
#define TEG_ENGINE_WRITE_TIES_H
#include "engine/order/order.h"
#include "engine/write/rows.h"

/* `at`: rows sorted as far as lanes go, `ties`: where these are equal. Sorts each run of ties by the
 * whole texts in cell order, stable. TEG_NOMEM. */
teg_status ties_settle(const struct rows *rows, const struct order *order,
                       const struct order_ties *ties, uint32_t *at, teg_error *err);
#endif
