/* The same as tests/model, for a million operations and more. */
#include <criterion/criterion.h>
#include "tests/support/play.h"

Test(model, agrees_with_a_naive_model_over_a_million_operations, .timeout = 7200)
{
	play_assert_seeds(1000, 220, 5000);
}
