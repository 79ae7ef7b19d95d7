/* Whether a long call shall go on: asked wherever it has worked for some milliseconds, so that who asks
 * it to stop is answered at once. */
#ifndef TEG_CODEC_BASE_POLL_H
#define TEG_CODEC_BASE_POLL_H
#include <stdbool.h>
#include "codec/base/error.h"

struct poll {
	bool (*goes_on)(void *ctx);
	void *ctx;
};

/* TEG_CANCELLED; `poll` NULL: always goes on. */
static inline teg_status poll_ask(const struct poll *poll, teg_error *err)
{
	if (!poll || poll->goes_on(poll->ctx))
		return TEG_OK;
	return teg_fail(err, TEG_CANCELLED, "the call was asked to stop");
}
#endif
