/* Random operations on all three kinds of array, against the model, on every way to ask. A failure
 * prints a short script of its seed. NG1, X3, X4, X6, X7, X9, X14, B15, V2 */
#include <criterion/criterion.h>
#include "tests/support/play.h"

Test(model, agrees_with_a_naive_model_over_random_operations, .timeout = 900)
{
	play_assert_seeds(1, 50, 1000);
}
