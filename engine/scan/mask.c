#include "engine/scan/mask.h"
#include <string.h>
#include "codec/base/span.h"

/* For eight rows as bits: the numbers of those set, in order. */
#define BIT(m, k, i) \
	(((m) >> (i)&1) && __builtin_popcount((m) & ((1u << (i)) - 1)) == (k) ? (i) : 0)
#define PLACE(m, k)                                                                                \
	(BIT(m, k, 0) + BIT(m, k, 1) + BIT(m, k, 2) + BIT(m, k, 3) + BIT(m, k, 4) + BIT(m, k, 5) + \
	 BIT(m, k, 6) + BIT(m, k, 7))
#define PLACES(m)                                                                             \
	{                                                                                     \
		PLACE(m, 0), PLACE(m, 1), PLACE(m, 2), PLACE(m, 3), PLACE(m, 4), PLACE(m, 5), \
			PLACE(m, 6), PLACE(m, 7)                                              \
	}
#define PLACES4(m) PLACES(m), PLACES((m) + 1), PLACES((m) + 2), PLACES((m) + 3)
#define PLACES16(m) PLACES4(m), PLACES4((m) + 4), PLACES4((m) + 8), PLACES4((m) + 12)
#define PLACES64(m) PLACES16(m), PLACES16((m) + 16), PLACES16((m) + 32), PLACES16((m) + 48)
static const uint8_t places[256][8] = { PLACES64(0), PLACES64(64), PLACES64(128), PLACES64(192) };

/* Whether a row stays cannot be foreseen, so eight are looked up at once instead of one tested. */
uint32_t mask_list(const uint8_t *mask, uint32_t n, uint32_t first, uint32_t *list_out)
{
	uint32_t kept = 0, i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t eight = load_u64(mask + i);
		const uint8_t *place = places[eight * UINT64_C(0x0102040810204080) >> 56];

		for (uint32_t k = 0; k < 8; k++)
			list_out[kept + k] = first + i + place[k];
		kept += (uint32_t)(eight * UINT64_C(0x0101010101010101) >> 56);
	}
	for (; i < n; i++) {
		list_out[kept] = first + i;
		kept += mask[i];
	}
	return kept;
}
