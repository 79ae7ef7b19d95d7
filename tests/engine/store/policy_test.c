/* Which old manifest files a commit copies forward. */
#include "engine/store/policy.h"
#include <criterion/criterion.h>

#define NEWEST 200

/* Files 1 to n of `len` live bytes each, which are cold, and one of `large`. */
static size_t moved_of(size_t n, uint64_t len, uint64_t large)
{
	struct manifest_use files[101];
	bool move[101];
	size_t moved = 0;

	for (size_t i = 0; i < n; i++)
		files[i] = (struct manifest_use){ i + 1, len, 0 };
	files[n] = (struct manifest_use){ NEWEST - 1, large, 0 };
	policy_pick_moves(files, n + 1, NEWEST, move);
	cr_assert_not(move[n], "a file that is not cold yet");
	for (size_t i = 0; i < n; i++)
		moved += move[i];
	return moved;
}

static const struct {
	const char *what;
	size_t n;
	uint64_t len, large;
	size_t moved;
} cases[] = {
	{ "three are kept", 3, 100, 0, 0 },
	{ "of four all go that are small", 4, 100, 0, 4 },
	{ "at most 16 KiB", 4, 5000, 0, 3 },
	{ "twice that of five", 5, 10000, 0, 3 },
	{ "none that is larger", 4, 20000, 0, 0 },
	{ "but by and by", 5, 20000, 0, 1 },
	{ "dead ones do not count", 90, 0, 0, 0 },
	{ "one more for a MiB", 4, 100, 1 << 20, 0 },
	{ "and for no more than that", 5, 100, 1 << 20, 5 },
	{ "many in a large store", 64, 100, 200 << 20, 0 },
	{ "however large, not more than 64", 65, 100, (uint64_t)2000 << 20, 65 },
};

Test(policy, moves_the_smallest_where_files_are_too_many) /* MAN-24 */
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(moved_of(cases[i].n, cases[i].len, cases[i].large), cases[i].moved,
		             "%s: %zu", cases[i].what,
		             moved_of(cases[i].n, cases[i].len, cases[i].large));
}

Test(policy, removes_a_file_a_few_versions_after_its_last_use) /* MAN-22 */
{
	struct manifest_use file = { 3, 100, 0 };

	cr_assert_not(policy_is_done(&file, 100));
	file.dead_since = 10;
	cr_assert_not(policy_is_done(&file, 10 + VERSIONS_KEPT - 1));
	cr_assert(policy_is_done(&file, 10 + VERSIONS_KEPT));
}
