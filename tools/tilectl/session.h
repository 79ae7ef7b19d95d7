/* What most commands open first: the store, its newest version, one array of it. */
#ifndef TILECTL_SESSION_H
#define TILECTL_SESSION_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"

struct session {
	teg_store *store;
	teg_snapshot *snapshot;
	teg_array *array;
};

/* Opens the store, its newest version and, where `array` is not NULL, the array. An exit code; said
 * on stderr where it is not EXIT_OK. Close with session_close in any case. */
int session_open(struct session *session, const char *path, const char *array);
/* Only the store, for commands that write; `writer` may be NULL. */
int session_open_store(struct session *session, const char *path, teg_create create,
                       const char *writer);
void session_close(struct session *session);

/* Calls `each` for the array named, or for all in order of names; stops at the first code that is
 * not EXIT_OK and returns it. */
int session_each_array(struct session *session, const char *only,
                       int (*each)(void *ctx, teg_array *array), void *ctx);
#endif
