/* Text out of a dictionary: codes in, offsets and bytes out.
 *
 * Values are short as a rule, and column buffers have room behind them, so all values of a
 * dictionary are copied with one constant size, which the next value overwrites. Where all are of
 * one length, their places need no adding up.
 *
 *   codes 1 0 1      dictionary "EWR" "JFK"      offsets 0 3 6 9      bytes JFKEWRJFK
 */
#ifndef TEG_CODEC_COLUMN_SPELL_H
#define TEG_CODEC_COLUMN_SPELL_H
#include "codec/column/column.h"

/* Bounds of the lengths of a dictionary's values: looked at where n values are to be spelled and that
 * pays, else wide. */
struct spelling {
	uint32_t shortest, longest;
};
struct spelling spelling_of(const struct column_buf *values, size_t n);

/* Appends values[codes[i]] for i < n, empty where bit `bit + i` of `valid` is clear (NULL: all are
 * valid). All codes are below values->n. TEG_NOMEM, TEG_LIMIT. */
teg_status spell(const struct spelling *spelling, const struct column_buf *values,
                 const uint16_t *codes, size_t n, const uint8_t *valid, size_t bit,
                 struct column_buf *out);
#endif
