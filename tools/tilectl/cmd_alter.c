/* tilectl alter, drop and rename: an array's schema, its end, its name. No row is written anew. */
#include "tools/tilectl/alter_args.h"
#include "tools/tilectl/session.h"

static int report_version(const struct args *args, const char *command, const char *array,
                          uint64_t version)
{
	static const struct report_column columns[] = { { "array", false }, { "version", true } };
	struct report r;

	report_begin(&r, command, NULL, columns, sizeof columns / sizeof *columns,
	             args_format(args));
	report_string(&r, array);
	report_u64(&r, version);
	report_end_row(&r);
	return report_end(&r);
}

static int commit(struct session *session, const struct args *args, const teg_alter *changes,
                  size_t n, const char *name)
{
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn;
	teg_status status;
	teg_error err;

	if (teg_txn_begin(session->store, NULL, &txn, &err) != TEG_OK)
		return fail_call(&err);
	status = teg_txn_alter(txn, args->value[OPT_ARRAY], changes, n, &err);
	if (status == TEG_OK)
		status = teg_txn_commit(txn, &result, &err);
	if (status == TEG_OK)
		return report_version(args, args->command->name, name, result.version);
	teg_txn_abort(txn);
	return fail_call(&err);
}

static int run_alter(const struct args *args)
{
	struct session session = { NULL, NULL, NULL };
	struct alteration alteration = { .n = 0 };
	teg_array_info info = { .struct_size = sizeof info };
	teg_error err;
	int code = session_open(&session, args->operand[0], args->value[OPT_ARRAY]);

	if (code == EXIT_OK && teg_array_get_info(session.array, &info, &err) != TEG_OK)
		code = fail_call(&err);
	if (code == EXIT_OK)
		code = alteration_read(&alteration, args, teg_array_spec(session.array),
		                       &info.retention);
	if (code == EXIT_OK && !alteration.n)
		code = usage(args, "tilectl alter needs something to change");
	if (code == EXIT_OK)
		code = commit(&session, args, alteration.changes, alteration.n,
		              args->value[OPT_ARRAY]);
	alteration_release(&alteration);
	session_close(&session);
	return code;
}

static int run_one(const struct args *args, const teg_alter *change, const char *name)
{
	struct session session = { NULL, NULL, NULL };
	int code = session_open_store(&session, args->operand[0], TEG_CREATE_NO, "tilectl");

	if (code == EXIT_OK)
		code = commit(&session, args, change, 1, name);
	session_close(&session);
	return code;
}

static int run_drop(const struct args *args)
{
	teg_alter change = { .kind = TEG_ALTER_DROP_ARRAY };

	return run_one(args, &change, args->value[OPT_ARRAY]);
}

static int run_rename(const struct args *args)
{
	teg_alter change = { .kind = TEG_ALTER_RENAME_ARRAY, .new_name = args->value[OPT_TO] };

	if (!change.new_name)
		return usage(args, "tilectl rename needs --to NAME");
	return run_one(args, &change, change.new_name);
}

static const enum opt_id alter_opts[] = { OPT_ARRAY,        OPT_ADD,     OPT_DROP,   OPT_RENAME,
	                                  OPT_WIDEN,        OPT_SET,     OPT_UNSET,  OPT_OF,
	                                  OPT_CHECK,        OPT_UNCHECK, OPT_RESIZE, OPT_RETAIN,
	                                  OPT_RETAIN_FLOOR, OPT_KEYS,    OPT_FORMAT, OPT_END };
static const enum opt_id drop_opts[] = { OPT_ARRAY, OPT_FORMAT, OPT_END };
static const enum opt_id rename_opts[] = { OPT_ARRAY, OPT_TO, OPT_FORMAT, OPT_END };

const struct command cmd_alter = {
	"alter",
	"STORE",
	"change the schema of an array, or how long its history is kept",
	"No row is written anew: an attribute that is added reads as its fill in rows from before, and\n"
	"as null where it has none. NAME=TYPE adds one that may be null, NAME=TYPE:FILL one that may\n"
	"not, NAME=TYPE?:FILL one that may and has a fill. Types are written as schema prints them.\n"
	"Integers are widened to more bits of the same kind, floats likewise.\n"
	"A check is COL=LO:HI, both ends included, either of which may be missing, COL=nonempty, or for\n"
	"lists of one length COL=length(OTHER); it is called as it was written. Rows from before a check\n"
	"are not looked at: verify --deep tells which current ones break it.\n"
	"A dimension of a dense array ends where --resize says; it does not shrink over cells that were\n"
	"ever written.\n"
	"Everything asked for is one version, done in the order --uncheck, --resize, --widen, --drop,\n"
	"--rename, --add, --unset, --set, --check: names are the old ones up to --rename and the new\n"
	"ones after.\n"
	"With --keys unique no two live rows may have one key from then on; it is refused where two have.\n"
	"With --retain a later compact may drop superseded rows that answer nothing from the newest\n"
	"system time minus DURATION on; the horizon then moves there, and earlier system times are\n"
	"beyond it. Tombstones in force stay. Every such drop is in the history.\n",
	alter_opts,
	true,
	run_alter
};

const struct command cmd_drop = {
	"drop",
	"STORE",
	"remove an array",
	"The array goes with its history; vacuum frees the room. Its name may be used again, for another\n"
	"array that begins empty. Whoever has it open keeps reading it.\n",
	drop_opts,
	true,
	run_drop
};

const struct command cmd_rename = { "rename",
	                            "STORE",
	                            "give an array another name",
	                            "Rows and history stay as they are.\n",
	                            rename_opts,
	                            true,
	                            run_rename };
