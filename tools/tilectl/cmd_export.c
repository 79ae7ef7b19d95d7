/* tilectl export: what a scan returns, as a file. */
#include <string.h>
#include "tools/tilectl/opt.h"
#include "tools/tilectl/scan_args.h"
#include "tools/tilectl/session.h"
#include "tools/tilectl/ways.h"

static int export_array(struct session *session, struct scan_args *wanted, const struct args *args,
                        const struct way *way)
{
	struct target target;
	int code = target_open(&target, args->operand[1], args->value[OPT_REPLACE] != NULL);

	if (code == EXIT_OK)
		code = scan_args_bind(wanted, args, session->array);
	if (code == EXIT_OK)
		code = way->write(
			&(struct way_out){ args, session->array, &wanted->options, &target });
	if (code == EXIT_OK)
		code = target_publish(&target);
	target_abandon(&target);
	return code;
}

static int find_way(const struct args *args, const struct way **way_out)
{
	int code = way_of(args, args->operand[1], way_out);

	if (code == EXIT_OK && !(*way_out)->write)
		return usage(args, "%s is for import only", (*way_out)->name);
	return code == EXIT_OK ? target_check(args->operand[1], args->value[OPT_REPLACE] != NULL)
	                       : code;
}

static int run(const struct args *args)
{
	struct session session = { NULL, NULL, NULL };
	struct scan_args wanted = { .columns = { NULL, 0 } };
	const struct way *way;
	int code = find_way(args, &way);

	if (code == EXIT_OK)
		code = scan_args_read(&wanted, args);
	if (code == EXIT_OK)
		code = session_open(&session, args->operand[0], args->value[OPT_ARRAY]);
	if (code == EXIT_OK)
		code = export_array(&session, &wanted, args, way);
	code = scan_args_loss(&wanted, code);
	scan_args_release(&wanted);
	session_close(&session);
	return code;
}

static const enum opt_id opts[] = { OPT_ARRAY, OPT_FILE_FORMAT, OPT_REPLACE, SCAN_OPTS, OPT_END };

const struct command cmd_export = {
	"export",
	"STORE FILE",
	"write the rows of an array to a file",
	"The end of the file's name says of what kind it is, or --file-format does. FILE - is stdout.\n"
	"A file appears under its name when it is complete and synced. CSV and NDJSON are what cat\n"
	"prints.\n",
	opts,
	true,
	run
};
