#include "codec/column/pack.h"
#include <criterion/criterion.h>
#include "tests/support/rng.h"

/* The specification read aloud, bit by bit and as slowly as it comes. */
static void reference_pack(unsigned bits, const uint64_t *words, size_t m, unsigned w, uint8_t *out)
{
	size_t lanes = 1024 / bits;

	memset(out, 0, pack_len(m, w));
	for (size_t i = 0; i < m; i++)
		for (unsigned j = 0; j < w; j++) {
			size_t p = i * w + j; /* BITS-1 */

			if (m == 1024) { /* BITS-3 BITS-4 BITS-5 */
				size_t lane = i % lanes, row = i / lanes, bit = row * w + j;
				size_t word = bit / bits * lanes + lane;

				p = word * bits + bit % bits;
			}
			if (words[i] >> j & 1)
				out[p / 8] |= (uint8_t)(1u << p % 8);
		}
}

static uint64_t mask_of(unsigned w)
{
	return w == 64 ? UINT64_MAX : ((uint64_t)1 << w) - 1;
}

static void store(void *words, uint32_t width, size_t i, uint64_t v)
{
	memcpy((uint8_t *)words + i * width, &v, width); /* little-endian machines */
}

static void check(uint32_t width, size_t m, unsigned w, struct rng *rng)
{
	uint64_t wanted[1024], values[1024] = { 0 }, back[1024];
	uint8_t packed[8192 + 8], reference[8192 + 8];
	uint64_t base = rng_u64(rng);

	for (size_t i = 0; i < m; i++) {
		wanted[i] = rng_u64(rng) & mask_of(w);
		store(values, width, i, base + wanted[i]);
	}
	memset(packed, 0xee, sizeof packed);
	pack_block(width, values, m, base, w, packed);
	reference_pack(8 * width, wanted, m, w, reference);
	cr_assert_arr_eq(packed, reference, pack_len(m, w), "T %u m %zu w %u", 8 * width, m, w);
	cr_assert_eq(packed[pack_len(m, w)], 0xee);
	unpack_block(width, packed, m, base, w, back);
	cr_assert_arr_eq(back, values, m * width, "T %u m %zu w %u", 8 * width, m, w);
	for (size_t i = 0; i < m; i += 1 + m / 50)
		cr_assert_eq(pack_get(width, packed, m, w, i), wanted[i], "T %u m %zu w %u",
		             8 * width, m, w);
}

Test(pack, agrees_with_the_specification_at_every_width) /* BITS-1 to BITS-5 */
{
	static const size_t counts[] = { 1, 2, 7, 8, 63, 1023, 1024 };
	struct rng rng = { 11 };

	for (uint32_t width = 1; width <= 8; width *= 2)
		for (unsigned w = 0; w <= 8 * width; w++)
			for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
				check(width, counts[i], w, &rng);
}

Test(pack, shows_padding_that_is_not_zero) /* BITS-2 */
{
	static const struct {
		size_t m;
		unsigned w;
		uint8_t last;
		bool ok;
	} cases[] = {
		{ 1, 1, 0x01, true },  { 1, 1, 0x02, false }, { 1, 1, 0x80, false },
		{ 3, 3, 0x01, true },  { 3, 3, 0x02, false }, { 8, 1, 0xff, true },
		{ 5, 0, 0xff, true },  { 2, 4, 0xff, true },  { 7, 9, 0x7f, true },
		{ 7, 9, 0x80, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t packed[16] = { 0 };
		size_t len = pack_len(cases[i].m, cases[i].w);

		packed[len ? len - 1 : 0] = cases[i].last;
		cr_assert_eq(pack_padding_ok(packed, cases[i].m, cases[i].w), cases[i].ok, "%zu",
		             i);
	}
}
