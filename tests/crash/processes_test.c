#include "tests/crash/crash.h"

Test(processes, lose_no_commit_when_killed_beside_a_compactor_and_a_vacuum) /* B13 B14 B2 S1 S8 */
{
	struct crash c = { .n_commits = 25, .n_kills = 20 };

	cr_assert_gt(crash_run(&c, 1), 0, "nobody was killed");
}
