/* How the program says that something went wrong: exit codes and the one error line.
 *
 *   tilectl: <message> (file F, array A, column C, row R, offset O)
 *
 * Only what is known stands between the parentheses. The line goes to stderr.
 */
#ifndef TILECTL_FAIL_H
#define TILECTL_FAIL_H
#include "engine/tegula.h"

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* it could not be done */
	EXIT_USAGE = 2,  /* the command line makes no sense, or asks for what is not built yet */
	EXIT_LOSS = 3,   /* finished, but something was left out */
	EXIT_DAMAGE = 4  /* damaged files */
};

/* Why a piece of the command line was refused. */
struct why {
	char text[256];
};

/* Fills `why` and returns false, so that a parser can end with it. */
bool refuse(struct why *why, const char *format, ...) TEG_PRINTF(2, 3);

/* Prints the line for a failed call of the library; returns the exit code for its status. */
int fail_call(const teg_error *err);
/* Prints the line; returns `code`. */
int fail_with(int code, const char *format, ...) TEG_PRINTF(2, 3);

/* The exit code for a status: damage 4, a bad argument 2, anything else 1. */
int exit_code_of(teg_status status);
#endif
