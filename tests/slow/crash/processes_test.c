#include "tests/crash/crash.h"

Test(processes, lose_no_commit_of_five_hundred_each) /* B13 B14 B2 S1 S8 */
{
	struct crash c = { .n_commits = 500, .n_kills = 400 };

	cr_assert_gt(crash_run(&c, 2), 0, "nobody was killed");
}
