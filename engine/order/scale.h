/* Lanes brought to scale, as order.h tells it: what positions and sort keys are made from.
 * format-spec/order.md, POS-4 to POS-6. Private to engine/order. */
#ifndef TEG_ENGINE_ORDER_SCALE_H
#define TEG_ENGINE_ORDER_SCALE_H
#include "engine/order/order.h"

/* n lanes of dimension d: shifted to fill 64 bits, or the numbers of their grid steps so. */
void scale_lanes(const struct order *order, uint32_t d, const uint64_t *lanes, size_t n,
                 uint64_t *out);
#endif
