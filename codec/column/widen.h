/* Numbers of a narrower type as the same numbers of a wider one, bit by bit what they were: signs are
 * extended, floats keep their sign of zero, their payload of NaN and whether a NaN signals.
 * format-spec/schema.md, ALTER-4.
 *
 *   int8    ff                  -1      int32    ff ff ff ff
 *   float16 01 7c    signalling NaN     float32  00 20 80 7f
 */
#ifndef TEG_CODEC_COLUMN_WIDEN_H
#define TEG_CODEC_COLUMN_WIDEN_H
#include "codec/column/lane.h"

/* Whether that class has numbers of both widths, the first below the second. */
bool widen_possible(enum value_class class, uint32_t from_width, uint32_t to_width);

/* n values, packed; the widths as above. `to` and `from` do not overlap. */
void widen_values(enum value_class class, uint32_t from_width, uint32_t to_width,
                  const uint8_t *from, size_t n, uint8_t *to);
#endif
