/* Space-filling curves at 64 bits per dimension: Hilbert by Skilling's transform (AIP Conf. Proc.
 * 707, 2004), and Z. format-spec/order.md, POS-7 to POS-11.
 *
 * Skilling's loop goes from the highest bit down, and what a level does to the lower ones is an
 * exchange of axes and a reflection of each. So a level is a step of a small machine: bits of the
 * level in, one digit (one bit per dimension) and the next state out. Two things follow. The bits
 * that all cells of a batch share are stepped over once for all of them; and in two and three
 * dimensions several levels at a time come out of a table.
 *
 *   level   63 ......... top | top-1 ........ low | low-1 ... 0
 *           shared: `start`    one digit each       shared: change nothing in the order
 */
#ifndef TEG_ENGINE_ORDER_CURVE_H
#define TEG_ENGINE_ORDER_CURVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CURVE_DIMS_MAX 16
#define CURVE_BLOCK 256 /* cells handled at a time */

/* What the levels above have done to the axes: axis i of the transform reads axis[i] of the cell,
 * reflected where bit i of `flip` is set. `odd`: parity of the last axis's Gray bits so far. */
struct curve_state {
	uint8_t axis[CURVE_DIMS_MAX];
	uint16_t flip;
	bool odd;
};

struct curve {
	bool hilbert; /* else Z */
	uint32_t n_dims;
	unsigned top, low; /* levels low .. top-1 are stepped through, from `start` on */
	unsigned levels;   /* of those, from low up: the ones that give digits */
	struct curve_state start;
	const uint16_t *table; /* of curve_table_fill, or NULL: level by level */
};

void curve_start(struct curve_state *state);
/* One level: bit d of `bits` is dimension d's. Returns the digit, dimension 0 most significant. */
uint32_t curve_step(bool hilbert, uint32_t n_dims, struct curve_state *state, uint32_t bits);

/* Sets top, low, levels and start from the cells' lanes: diff, the bits in which any two of them
 * differ (of any dimension), and one of them. Digits above and below are the same for all, or follow
 * from those between. */
void curve_narrow(struct curve *curve, uint64_t diff, const uint64_t *cell);

/* Levels per look-up of the table; 0: none for that many dimensions. */
unsigned curve_table_levels(uint32_t n_dims);
#define CURVE_TABLE_MAX 6144 /* entries: at most 96 states of 64, or 16 of 256 */
/* Makes the table and points curve->table at it. Worth it from some hundred cells on. */
void curve_table_fill(struct curve *curve, uint16_t *table);

/* The digits of n <= CURVE_BLOCK cells, n_dims * levels bits as a number of n_words words (most
 * significant first), added (OR) to words[w][0 .. n) `shift` bits up. */
void curve_digits(const struct curve *curve, const uint64_t lanes[][CURVE_BLOCK], size_t n,
                  uint32_t n_words, uint64_t *const *words, unsigned shift);
#endif
