/* From a mask of rows, one byte each, to a list of those that stay.
 *
 *   mask 0 1 1 0 1, first 10    ->    11 12 14
 */
#ifndef TEG_ENGINE_SCAN_MASK_H
#define TEG_ENGINE_SCAN_MASK_H
#include <stddef.h>
#include <stdint.h>

#define MASK_SLACK ((size_t)8) /* numbers after the last that mask_list may write */

/* Writes first + i for every i < n with mask[i] == 1 (else it is 0) to `list_out`, which has room
 * for n + MASK_SLACK, and returns how many there are. */
uint32_t mask_list(const uint8_t *mask, uint32_t n, uint32_t first, uint32_t *list_out);
#endif
