/* The list of commands, in the order of the help. */
#include "tools/tilectl/opt.h"

extern const struct command cmd_agg, cmd_import, cmd_export, cmd_cat, cmd_get, cmd_ls, cmd_info,
	cmd_schema, cmd_segments, cmd_tiles, cmd_columns, cmd_history, cmd_explain, cmd_delete,
	cmd_compact, cmd_vacuum, cmd_verify, cmd_version, cmd_help, cmd_completion, cmd_alter,
	cmd_drop, cmd_rename, cmd_erase, cmd_proof, cmd_copy, cmd_recover, cmd_diff;

const struct command *const commands[] = {
	&cmd_import,  &cmd_export,   &cmd_cat,    &cmd_get,        &cmd_ls,      &cmd_info,
	&cmd_schema,  &cmd_segments, &cmd_tiles,  &cmd_columns,    &cmd_history, &cmd_diff,
	&cmd_explain, &cmd_agg,      &cmd_delete, &cmd_erase,      &cmd_proof,   &cmd_alter,
	&cmd_drop,    &cmd_rename,   &cmd_copy,   &cmd_compact,    &cmd_vacuum,  &cmd_recover,
	&cmd_verify,  &cmd_version,  &cmd_help,   &cmd_completion, NULL,
};
