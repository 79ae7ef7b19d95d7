/* The loops of tests/support/calls.h, whole. NF4 X7 X8 X10 B2 S1 S9 S10 */
#include "tests/support/calls.h"
#include <criterion/criterion.h>

Test(calls, may_fail_each)
{
	for (size_t i = 0; i < calls_count(); i++)
		cr_assert_gt(calls_fail(i, 1), 50, "%s", calls_name(i));
}

Test(calls, may_be_the_last_each)
{
	for (size_t i = 0; i < calls_count(); i++)
		cr_assert_gt(calls_kill(i, 1, 40), 30, "%s", calls_name(i));
}

Test(calls, may_want_memory_each)
{
	for (size_t i = 0; i < calls_count(); i++)
		cr_assert_gt(calls_starve(i, 3), 90, "%s", calls_name(i));
}
