#include "codec/base/hash.h"
#include <criterion/criterion.h>
#include <xxhash.h>

/* The published values of XXH3-64 without a seed, so that the dispatching entry point and the plain
 * one of another machine are known to agree. */
Test(hash, is_xxh3)
{
	uint8_t bytes[3000];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 31);
	cr_assert_eq(hash_bytes(span_of("", 0)), 0x2d06800538d394c2u);
	cr_assert_eq(hash_bytes(span_of(NULL, 0)), 0x2d06800538d394c2u);
	for (size_t len = 0; len < sizeof bytes; len = len * 5 / 4 + 1)
		cr_assert_eq(hash_bytes(span_of(bytes, len)), XXH3_64bits(bytes, len), "%zu", len);
}

Test(hash, identity_is_the_published_xxh3_128)
{
	static const uint8_t of_nothing[16] = { 0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8,
		                                0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f };
	uint8_t identity[16];

	hash_identity(span_of("", 0), identity);
	cr_assert_arr_eq(identity, of_nothing, 16);
}
