#include "tools/tilectl/facts.h"
#include <string.h>
#include "tools/tilectl/box.h"
#include "tools/tilectl/session.h"

const char *kind_name(teg_kind kind)
{
	return kind == TEG_TABLE ? "table" : kind == TEG_SPARSE ? "sparse" : "dense";
}

const char *cells_name(teg_cells cells)
{
	return cells == TEG_CELLS_REPEATED ? "repeated" : "unique";
}

const char *order_name(teg_order order)
{
	static const char *const names[] = { "default", "row", "column", "z", "hilbert" };

	return (size_t)order < sizeof names / sizeof *names ? names[order] : "unknown";
}

const char *profile_name(teg_profile profile)
{
	static const char *const names[] = { "balanced", "fast", "dense" };

	return (size_t)profile < sizeof names / sizeof *names ? names[profile] : "unknown";
}

void report_value(struct report *report, const teg_data_type *type, const teg_value *value)
{
	struct text text = { NULL, 0, 0 };
	enum form form = value_add(&text, type, value, TIMES_RFC3339);

	report_cell(report, form, text_string(&text), text.len, NULL);
	text_free(&text);
}

void report_type(struct report *report, const teg_data_type *type)
{
	struct text text = { NULL, 0, 0 };

	type_add_name(&text, type);
	report_string(report, text_string(&text));
	text_free(&text);
}

static void add_json_value(struct json *json, const char *key, const teg_data_type *type,
                           const teg_value *value)
{
	struct text text = { NULL, 0, 0 };
	enum form form = value_add(&text, type, value, TIMES_RFC3339);

	json_key(json, key);
	if (form == FORM_QUOTED)
		json_quoted(json, text_string(&text), text.len);
	else if (form == FORM_NULL)
		json_bare(json, "null", 4);
	else
		json_bare(json, text.at, text.len);
	text_free(&text);
}

void report_box(struct report *report, const teg_spec *spec, const teg_range *box, size_t n)
{
	struct text plain = { NULL, 0, 0 }, text = { NULL, 0, 0 };
	struct json json;

	json_init(&json, &text);
	json_open_array(&json);
	for (size_t d = 0; d < n; d++) {
		const teg_dimension *dimension = &spec->dimensions[d];

		json_open_object(&json);
		json_key(&json, "dimension");
		json_quoted(&json, dimension->name, strlen(dimension->name));
		add_json_value(&json, "lo", &dimension->type, &box[d].lo);
		add_json_value(&json, "hi", &dimension->type, &box[d].hi);
		json_close_object(&json);
	}
	json_close_array(&json);
	box_add(&plain, spec->dimensions, box, n);
	report_cell(report, FORM_JSON, text_string(&plain), plain.len, text.at);
	text_free(&plain);
	text_free(&text);
}

void report_metadata(struct report *report, const teg_metadata *metadata, size_t n)
{
	struct text text = { NULL, 0, 0 };
	struct json json;

	json_init(&json, &text);
	json_open_array(&json);
	for (size_t i = 0; i < n; i++) {
		json_open_object(&json);
		json_key(&json, "key");
		json_quoted(&json, metadata[i].key, metadata[i].key_len);
		json_key(&json, "value");
		json_quoted(&json, metadata[i].value, metadata[i].value_len);
		json_close_object(&json);
	}
	json_close_array(&json);
	report_cell(report, FORM_JSON, text.at, text.len, text.at);
	text_free(&text);
}

int run_per_array(const struct args *args, const char *rows_key,
                  const struct report_column *columns, size_t n,
                  int (*each)(void *report, teg_array *array))
{
	struct session session = { NULL, NULL, NULL };
	int code = session_open(&session, args->operand[0], NULL);
	struct report report;

	if (code == EXIT_OK) {
		report_begin(&report, args->command->name, rows_key, columns, n, args_format(args));
		report_fact_u64(&report, "version", teg_snapshot_version(session.snapshot));
		code = session_each_array(&session, args->value[OPT_ARRAY], each, &report);
		if (code == EXIT_OK)
			code = report_end(&report);
		else
			report_abandon(&report);
	}
	session_close(&session);
	return code;
}
