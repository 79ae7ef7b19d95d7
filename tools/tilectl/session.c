#include "tools/tilectl/session.h"
#include <string.h>

/* What an import holds before it spills: less than the library's default, since whoever imports a
 * large file has it on disk already and wants little memory taken. */
#define WRITE_BUDGET ((size_t)12 << 20)

int session_open_store(struct session *session, const char *path, teg_create create,
                       const char *writer)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = create,
		                      .writer = writer,
		                      .write_budget = WRITE_BUDGET };
	teg_error err;

	memset(session, 0, sizeof *session);
	if (teg_store_open(path, &options, &session->store, &err) == TEG_OK)
		return EXIT_OK;
	return fail_call(&err);
}

int session_open(struct session *session, const char *path, const char *array)
{
	int code = session_open_store(session, path, TEG_CREATE_NO, NULL);
	teg_error err;

	if (code != EXIT_OK)
		return code;
	if (teg_snapshot_open(session->store, &session->snapshot, &err) != TEG_OK)
		return fail_call(&err);
	if (array && teg_array_open(session->snapshot, array, &session->array, &err) != TEG_OK)
		return fail_call(&err);
	return EXIT_OK;
}

void session_close(struct session *session)
{
	teg_array_close(session->array);
	teg_snapshot_close(session->snapshot);
	teg_store_close(session->store);
}

static int call_for(struct session *session, const char *name,
                    int (*each)(void *ctx, teg_array *array), void *ctx)
{
	teg_array *array;
	teg_error err;
	int code;

	if (teg_array_open(session->snapshot, name, &array, &err) != TEG_OK)
		return fail_call(&err);
	code = each(ctx, array);
	teg_array_close(array);
	return code;
}

int session_each_array(struct session *session, const char *only,
                       int (*each)(void *ctx, teg_array *array), void *ctx)
{
	char name[256], after[256] = "";
	teg_error err;
	teg_status status;

	if (only)
		return call_for(session, only, each, ctx);
	for (;;) {
		int code;

		status = teg_snapshot_next_array(session->snapshot, after[0] ? after : NULL, name,
		                                 &err);
		if (status != TEG_OK)
			return status == TEG_END ? EXIT_OK : fail_call(&err);
		code = call_for(session, name, each, ctx);
		if (code != EXIT_OK)
			return code;
		memcpy(after, name, sizeof after);
	}
}
