/* A sample of the loops of tests/support/calls.h; tests/slow/crash runs them whole. NF4 X7 X8 X10 B2 S1 S9
 * S10 */
#include "tests/support/calls.h"
#include <criterion/criterion.h>

Test(calls, may_fail, .timeout = 100)
{
	for (size_t i = 0; i < calls_count(); i++)
		cr_assert_gt(calls_fail(i, 19 + i), 10, "%s", calls_name(i));
}

Test(calls, may_be_the_last, .timeout = 100)
{
	for (size_t i = 0; i < calls_count(); i++)
		cr_assert_gt(calls_kill(i, 9, 1), 0, "%s", calls_name(i));
}

Test(calls, may_want_memory, .timeout = 100)
{
	for (size_t i = 0; i < calls_count(); i++)
		cr_assert_gt(calls_starve(i, 307 + i), 100, "%s", calls_name(i));
}
