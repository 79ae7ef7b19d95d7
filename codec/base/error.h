/* Filling a teg_error. Low level fills the message; each layer above adds what only it knows
 * (file, array, column, row), and never overwrites what a lower layer has said.
 *
 * All functions accept a NULL error. Messages are lower case, without a full stop.
 */
#ifndef TEG_CODEC_BASE_ERROR_H
#define TEG_CODEC_BASE_ERROR_H
#include "codec/base/status.h"

/* Resets `err`, sets the status and the message, and returns the status:
 *     return teg_fail(err, TEG_CORRUPT, "page %zu: checksum differs", i); */
teg_status teg_fail(teg_error *err, teg_status status, const char *format, ...) TEG_PRINTF(3, 4);

/* As teg_fail with status TEG_IO and the errno given; " (strerror)" is appended. */
teg_status teg_fail_os(teg_error *err, int os_errno, const char *format, ...) TEG_PRINTF(3, 4);

/* Each sets its field where it is still empty, and returns err->status (or `status` for NULL err),
 * so a caller can write  return error_in_array(err, status, name);  */
teg_status error_in_file(teg_error *err, teg_status status, const char *file);
teg_status error_in_array(teg_error *err, teg_status status, const char *array);
teg_status error_in_column(teg_error *err, teg_status status, const char *column);
teg_status error_at_row(teg_error *err, teg_status status, int64_t row);
teg_status error_at_offset(teg_error *err, teg_status status, int64_t offset);
/* Hands on what a call left in `own`: for callers that went on after some failures and must leave
 * *err alone then. Nothing where `status` is TEG_OK or TEG_END. Returns `status`. */
teg_status error_give(teg_error *err, teg_status status, const teg_error *own);
/* Where `status` is TEG_NOMEM and nobody said so yet: "no memory <purpose>". For callers of what
 * only returns a status. Returns `status`. */
teg_status error_of_memory(teg_error *err, teg_status status, const char *purpose);

/* Returns from the calling function where `expr` is not TEG_OK. Only where nothing must be undone. */
#define TEG_TRY(expr)                     \
	do {                              \
		teg_status try_ = (expr); \
		if (try_ != TEG_OK)       \
			return try_;      \
	} while (0)

/* Runs `expr`, keeps its status in the local `status`, and jumps to `done` where it is not TEG_OK. */
#define TEG_DO(expr)                  \
	do {                          \
		status = (expr);      \
		if (status != TEG_OK) \
			goto done;    \
	} while (0)
#endif
