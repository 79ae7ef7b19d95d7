#include "engine/order/order.h"

/* Least significant digit first, so each pass must keep the order of the one before: that also
 * gives stability. Wide digits save passes over memory; eleven bits are what 8 KiB of counts and
 * the write buffers of the first cache level still carry. */
#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

static unsigned n_passes(unsigned bits)
{
	return (bits + DIGIT_BITS - 1) / DIGIT_BITS;
}

static bool ascending(const uint64_t *at, size_t n, unsigned low_bit, uint64_t *diff_out)
{
	bool sorted = true;
	uint64_t diff = 0;

	for (size_t i = 1; i < n; i++) {
		diff |= at[i] ^ at[0];
		sorted &= at[i - 1] >> low_bit <= at[i] >> low_bit;
	}
	*diff_out = diff;
	return sorted;
}

/* Where each digit's numbers start. */
static void starts_of(const uint64_t *at, size_t n, unsigned bit, uint64_t mask, uint32_t *starts)
{
	uint32_t sum = 0;

	memset(starts, 0, (mask + 1) * sizeof *starts);
	for (size_t i = 0; i < n; i++)
		starts[at[i] >> bit & mask]++;
	for (uint64_t d = 0; d <= mask; d++) {
		uint32_t count = starts[d];

		starts[d] = sum;
		sum += count;
	}
}

/* Numbers that the caches do not hold are first dealt out by their highest bits. */
#define DEAL_FROM (1u << 16) /* numbers */
#define DEAL_BITS 10

static void deal(const uint64_t *at, uint64_t *to, size_t n, unsigned bit, uint64_t mask,
                 uint32_t *starts)
{
	starts_of(at, n, bit, mask, starts);
	for (size_t i = 0; i < n; i++)
		to[starts[at[i] >> bit & mask]++] = at[i];
}

static uint64_t *sort_digits(uint64_t *at, uint64_t *work, size_t n, unsigned low_bit,
                             uint64_t diff)
{
	uint32_t starts[DIGITS];
	unsigned bit = low_bit;

	while (bit < 64 && diff >> bit) {
		unsigned left, passes;
		uint64_t mask, *swap = at;

		bit += (unsigned)__builtin_ctzll(diff >> bit);
		left = bit_width(diff >> bit);
		passes = n_passes(left);
		mask = ((uint64_t)1 << ((left + passes - 1) / passes)) - 1;
		deal(at, work, n, bit, mask, starts);
		at = work;
		work = swap;
		bit += bit_width(mask);
	}
	return at;
}

/* Numbers that are as good as sorted, set right by insertion. False where that takes more than a few
 * moves each: they are as they were then, but for some that are nearer to their places. */
static bool insert_rest(uint64_t *at, size_t n, unsigned low_bit)
{
	size_t moves = 0;

	for (size_t i = 1; i < n && moves <= 2 * n; i++) {
		uint64_t number = at[i];
		size_t k = i;

		for (; k && at[k - 1] >> low_bit > number >> low_bit; k--)
			at[k] = at[k - 1];
		at[k] = number;
		moves += i - k;
	}
	return moves <= 2 * n;
}

#define SPARE_BITS 5 /* beyond those that number the numbers: then few share a digit */

/* Where the highest bits tell nearly all numbers apart, as those of coordinates and curves do, passes
 * over the others are left out. */
static uint64_t *sort_high_digits(uint64_t *at, uint64_t *work, size_t n, unsigned low_bit,
                                  uint64_t diff)
{
	unsigned top = bit_width(diff), high = bit_width(n) + SPARE_BITS;
	uint64_t *sorted;

	if (top <= low_bit + high || n_passes(top - low_bit) <= n_passes(high))
		return sort_digits(at, work, n, low_bit, diff);
	sorted = sort_digits(at, work, n, top - high, diff);
	if (insert_rest(sorted, n, low_bit))
		return sorted;
	return sort_digits(sorted, sorted == at ? work : at, n, low_bit, diff);
}

/* Deals into `work`, then sorts each hand, in the caches, back into `at`. */
static uint64_t *sort_hands(uint64_t *at, uint64_t *work, size_t n, unsigned low_bit, uint64_t diff)
{
	uint32_t ends[1u << DEAL_BITS];
	unsigned bit = bit_width(diff) - DEAL_BITS;
	size_t from = 0;

	deal(at, work, n, bit, (1u << DEAL_BITS) - 1, ends);
	for (uint32_t hand = 0; hand < 1u << DEAL_BITS; hand++) {
		size_t len = ends[hand] - from;
		uint64_t *sorted = sort_packed(work + from, at + from, len, low_bit);

		if (len && sorted != at + from)
			memcpy(at + from, sorted, len * sizeof *at);
		from = ends[hand];
	}
	return at;
}

uint64_t *sort_packed(uint64_t *at, uint64_t *work, size_t n, unsigned low_bit)
{
	uint64_t diff;

	if (n < 2 || low_bit >= 64 || ascending(at, n, low_bit, &diff))
		return at;
	if (n > DEAL_FROM && bit_width(diff >> low_bit) > DIGIT_BITS + DEAL_BITS)
		return sort_hands(at, work, n, low_bit, diff);
	return sort_high_digits(at, work, n, low_bit, diff);
}

/* ---- several words, or too many bits for one number to hold key and index ---- */

struct pair {
	uint64_t key;
	uint64_t index;
};

/* One pass of the permutation by a digit of one word: keys are read where they lie. */
static struct pair *sort_pairs(struct pair *at, struct pair *work, size_t n, uint64_t diff)
{
	uint32_t starts[DIGITS];

	for (unsigned bit = 0; bit < 64 && diff >> bit;) {
		unsigned left, passes, width;
		uint32_t sum = 0;
		struct pair *swap = at;

		bit += (unsigned)__builtin_ctzll(diff >> bit);
		left = bit_width(diff >> bit);
		passes = (left + DIGIT_BITS - 1) / DIGIT_BITS;
		width = (left + passes - 1) / passes;
		memset(starts, 0, sizeof *starts << width);
		for (size_t i = 0; i < n; i++)
			starts[at[i].key >> bit & ((1u << width) - 1)]++;
		for (uint32_t d = 0; d < 1u << width; d++) {
			uint32_t count = starts[d];

			starts[d] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			work[starts[at[i].key >> bit & ((1u << width) - 1)]++] = at[i];
		at = work;
		work = swap;
		bit += width;
	}
	return at;
}

static uint64_t word_diff(const uint64_t *word, uint32_t n)
{
	uint64_t diff = 0;

	for (uint32_t i = 1; i < n; i++)
		diff |= word[i] ^ word[0];
	return diff;
}

static int compare_words(const uint64_t *const *words, uint32_t n_words, uint32_t i, uint32_t j)
{
	for (uint32_t w = 0; w < n_words; w++)
		if (words[w][i] != words[w][j])
			return words[w][i] < words[w][j] ? -1 : 1;
	return 0;
}

static bool sorted_already(const uint64_t *const *words, uint32_t n_words, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (compare_words(words, n_words, i - 1, i) > 0)
			return false;
	return true;
}

static teg_status add_tie(struct order_ties *ties, uint32_t i)
{
	void *block = ties->at;

	if (ties->n == ties->cap) {
		if (!mem_grow(ties->alloc, &block, &ties->cap, ties->n + 1, sizeof *ties->at))
			return TEG_NOMEM;
		ties->at = block;
	}
	ties->at[ties->n++] = i;
	return TEG_OK;
}

static teg_status find_ties(const uint64_t *const *words, uint32_t n_words, const uint32_t *perm,
                            uint32_t n, struct order_ties *ties)
{
	for (uint32_t i = 1; ties && i < n; i++)
		if (compare_words(words, n_words, perm[i - 1], perm[i]) == 0)
			TEG_TRY(add_tie(ties, i));
	return TEG_OK;
}

/* Splits sorted numbers into the indices they hold, and finds the ties. */
static teg_status unpack(const uint64_t *sorted, uint32_t n, unsigned index_bits, uint32_t *perm,
                         struct order_ties *ties)
{
	uint64_t mask = ((uint64_t)1 << index_bits) - 1;

	for (uint32_t i = 0; i < n; i++) {
		perm[i] = (uint32_t)(sorted[i] & mask);
		if (ties && i && sorted[i - 1] >> index_bits == sorted[i] >> index_bits)
			TEG_TRY(add_tie(ties, i));
	}
	return TEG_OK;
}

/* Keys of one word and the index beside them in one number: half the memory to move. */
static teg_status sort_one_word(const uint64_t *word, uint64_t diff, uint32_t n,
                                const teg_allocator *alloc, uint32_t *perm, struct order_ties *ties)
{
	unsigned index_bits = bit_width(n - 1), low = (unsigned)__builtin_ctzll(diff);
	uint64_t mask = bit_width(diff) < 64 ? ((uint64_t)1 << bit_width(diff)) - 1 : UINT64_MAX;
	uint64_t *at = mem_array(alloc, 2 * (size_t)n, sizeof *at), *sorted;
	teg_status status;

	if (!at)
		return TEG_NOMEM;
	for (uint32_t i = 0; i < n; i++)
		at[i] = (word[i] & mask) >> low << index_bits | i;
	sorted = sort_packed(at, at + n, n, index_bits);
	status = unpack(sorted, n, index_bits, perm, ties);
	mem_free(alloc, at, 2 * (size_t)n * sizeof *at);
	return status;
}

teg_status order_sort_keys(uint64_t *const *words, uint32_t n_words, unsigned n_bits, uint32_t n,
                           const teg_allocator *alloc, uint32_t *perm_out, struct order_ties *ties)
{
	unsigned index_bits = n ? bit_width(n - 1) : 0;
	uint64_t *work, *sorted;
	teg_status status;

	if (n_words > 1 || n_bits + index_bits > 64 || !n_bits || n < 2)
		return order_sort_ties((const uint64_t *const *)words, n_words, n, alloc, perm_out,
		                       ties);
	for (uint32_t i = 0; i < n; i++)
		words[0][i] = words[0][i] << index_bits | i;
	work = mem_array(alloc, n, sizeof *work);
	if (!work)
		return TEG_NOMEM;
	sorted = sort_packed(words[0], work, n, index_bits);
	status = unpack(sorted, n, index_bits, perm_out, ties);
	mem_free(alloc, work, n * sizeof *work);
	return status;
}

static teg_status sort_words(const uint64_t *const *words, uint32_t n_words, uint32_t n,
                             const teg_allocator *alloc, uint32_t *perm, struct order_ties *ties)
{
	struct pair *pairs = mem_array(alloc, 2 * (size_t)n, sizeof *pairs), *at = pairs;

	if (!pairs)
		return TEG_NOMEM;
	for (uint32_t i = 0; i < n; i++)
		at[i].index = i;
	for (uint32_t w = n_words; w-- > 0;) {
		uint64_t diff = word_diff(words[w], n);

		if (!diff)
			continue;
		for (uint32_t i = 0; i < n; i++)
			at[i].key = words[w][at[i].index];
		at = sort_pairs(at, at == pairs ? pairs + n : pairs, n, diff);
	}
	for (uint32_t i = 0; i < n; i++)
		perm[i] = (uint32_t)at[i].index;
	mem_free(alloc, pairs, 2 * (size_t)n * sizeof *pairs);
	return find_ties(words, n_words, perm, n, ties);
}

teg_status order_sort_ties(const uint64_t *const *words, uint32_t n_words, uint32_t n,
                           const teg_allocator *alloc, uint32_t *perm_out, struct order_ties *ties)
{
	uint32_t varying = 0, last = 0;
	uint64_t diff = 0;

	if (sorted_already(words, n_words, n)) {
		for (uint32_t i = 0; i < n; i++)
			perm_out[i] = i;
		return find_ties(words, n_words, perm_out, n, ties);
	}
	for (uint32_t w = 0; w < n_words; w++) {
		uint64_t word = word_diff(words[w], n);

		if (!word)
			continue;
		varying++;
		last = w;
		diff = word;
	}
	if (varying == 1 && bit_width(diff >> __builtin_ctzll(diff)) + bit_width(n - 1) <= 64)
		return sort_one_word(words[last], diff, n, alloc, perm_out, ties);
	return sort_words(words, n_words, n, alloc, perm_out, ties);
}

teg_status order_sort(const uint64_t *const *words, uint32_t n_words, uint32_t n,
                      const teg_allocator *alloc, uint32_t *perm_out)
{
	return order_sort_ties(words, n_words, n, alloc, perm_out, NULL);
}

void ties_init(struct order_ties *ties, const teg_allocator *alloc)
{
	*ties = (struct order_ties){ .alloc = alloc };
}

void ties_release(struct order_ties *ties)
{
	mem_free(ties->alloc, ties->at, ties->cap * sizeof *ties->at);
	ties_init(ties, ties->alloc);
}
