#include "tools/tilectl/source.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/tilectl/arrow.h"
#include "tools/tilectl/box.h"
#include "tools/tilectl/module.h"
#include "tools/tilectl/type_name.h"
#include "tools/tilectl/type_word.h"

/* ---- text ------------------------------------------------------------------------------------- */

/* The columns of known type, as the module wants them: for JSON with their types. */
struct known {
	const char **names, **types;
	size_t n;
};

static struct known know(const struct typed_columns *typed)
{
	struct known known = { need_memory(typed->n, sizeof(char *)),
		               need_memory(typed->n, sizeof(char *)), typed->n };

	for (size_t i = 0; i < typed->n; i++) {
		known.names[i] = typed->at[i].name;
		known.types[i] = type_json_name(typed->at[i].type.type);
	}
	return known;
}

static struct text_reading reading_of(const struct part *part, const struct known *known)
{
	const struct reading *how = part->how;
	size_t len = strlen(part->path);
	bool tabs = len > 4 && !strcmp(part->path + len - 4, ".tsv");

	return (struct text_reading){ .columns = known->names,
		                      .types = known->types,
		                      .n_columns = known->n,
		                      .nulls = (const char *const *)how->nulls.at,
		                      .n_nulls = how->nulls.n,
		                      .delimiter = how->delimiter ? how->delimiter
		                                   : tabs         ? '\t'
		                                                  : ',' };
}

static int open_text(const struct part *part, struct ArrowArrayStream *stream_out,
                     int (*open)(const char *, int, const struct text_reading *,
                                 struct ArrowArrayStream *))
{
	struct known known = know(&part->how->typed);
	struct text_reading reading = reading_of(part, &known);
	int code = open(part->path, part->fd, &reading, stream_out);

	free(known.names);
	free(known.types);
	return code;
}

int text_open_csv(const struct part *part, struct ArrowArrayStream *stream_out)
{
	return open_text(part, stream_out, module_open_csv);
}

int text_open_json(const struct part *part, struct ArrowArrayStream *stream_out)
{
	return open_text(part, stream_out, module_open_json);
}

/* ---- options ---------------------------------------------------------------------------------- */

static int read_type(void *ctx, const char *name, const char *at, size_t len, struct why *why)
{
	struct reading *how = ctx;
	const struct type_room room = { typed_own, &how->typed };
	struct word_range word;
	teg_data_type type;
	bool ok = word_read_range(at, len, false, &word, why) &&
	          (word.single || refuse(why, "'%.80s' is not a type", at)) &&
	          type_read(text_string(&word.lo), word.lo.len, &room, &type, why) &&
	          (typed_add(&how->typed, name, &type, true) ||
	           refuse(why, "column '%.80s' is there twice", name));

	word_range_free(&word);
	return ok ? EXIT_OK : EXIT_USAGE;
}

static int read_types(struct reading *how)
{
	const char *given = how->args->value[OPT_TYPES];
	struct why why;
	int code;

	if (!given || box_each_item(given, read_type, how, &code, &why))
		return EXIT_OK;
	return usage(how->args, "--types: %s", why.text);
}

static int read_text_options(struct source *source)
{
	const char *delimiter = source->args->value[OPT_DELIMITER];
	const char *nulls = source->args->value[OPT_NULLS];
	bool csv = source->way->open == text_open_csv;
	struct why why;

	if (!csv && (nulls || delimiter))
		return usage(source->args, "--%s is for csv", nulls ? "nulls" : "delimiter");
	if (!csv && source->way->open != text_open_json && source->args->value[OPT_TYPES])
		return usage(source->args, "--types is for csv and ndjson");
	if (nulls && !word_read_names(nulls, &source->how.nulls, &why))
		return usage(source->args, "--nulls: %s", why.text);
	if (delimiter && !strcmp(delimiter, "\\t"))
		delimiter = "\t";
	if (delimiter && (strlen(delimiter) != 1 || strchr("\"\r\n", *delimiter)))
		return usage(source->args, "--delimiter: '%.80s' is not one character", delimiter);
	source->how.delimiter = delimiter ? *delimiter : 0;
	return read_types(&source->how);
}

/* Columns that --types does not name are of the array's types. */
static void take_types(struct reading *how, const teg_spec *array)
{
	for (size_t i = 0; i < array->n_dimensions; i++)
		typed_add(&how->typed, array->dimensions[i].name, &array->dimensions[i].type,
		          false);
	for (size_t i = 0; i < array->n_attributes; i++)
		typed_add(&how->typed, array->attributes[i].name, &array->attributes[i].type,
		          false);
}

/* ---- the stream ------------------------------------------------------------------------------- */

struct running {
	struct source *source;
	struct ArrowArrayStream inner;
	struct ArrowSchema schema; /* of the part, before conversion */
	size_t part;
	int64_t row;
};

static const char *path_of(const struct source *source, size_t part)
{
	return source->pipe ? "-" : source->parts.at[part];
}

/* Opens a part and takes its schema as it is. */
static int open_part(const struct source *source, size_t i, struct ArrowArrayStream *stream_out,
                     struct ArrowSchema *schema_out)
{
	struct part part = { path_of(source, i), source->pipe ? STDIN_FILENO : -1, &source->how };
	int code;

	stream_out->release = NULL;
	schema_out->release = NULL;
	code = source->way->open(&part, stream_out);
	if (code == EXIT_OK && stream_out->get_schema(stream_out, schema_out)) {
		const char *why = stream_out->get_last_error(stream_out);

		code = fail_with(EXIT_FAILED, "%s (file %s)", why ? why : "no schema", part.path);
	}
	return code;
}

static void close_part(struct running *running)
{
	arrow_schema_release(&running->schema);
	arrow_stream_release(&running->inner);
}

static int fail_stream(struct running *running, const char *why)
{
	static const char kind[] = "Invalid: "; /* libarrow's word for all of it */

	if (!strncmp(why, kind, sizeof kind - 1))
		why += sizeof kind - 1;
	text_clear(&running->source->error);
	text_addf(&running->source->error, "%s (file %s)", why,
	          path_of(running->source, running->part));
	return EIO;
}

static int next_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema_out)
{
	struct running *running = stream->private_data;
	struct why why;
	int failed = running->inner.get_schema(&running->inner, schema_out);

	if (failed)
		return fail_stream(running, running->inner.get_last_error(&running->inner));
	if (typed_schema(&running->source->how.typed, schema_out, &why))
		return 0;
	arrow_schema_release(schema_out);
	return fail_stream(running, why.text);
}

static int next_batch(struct ArrowArrayStream *stream, struct ArrowArray *batch_out)
{
	struct running *running = stream->private_data;
	const struct source *source = running->source;
	struct why why;

	for (;;) {
		if (running->inner.get_next(&running->inner, batch_out))
			return fail_stream(running, running->inner.get_last_error(&running->inner));
		if (batch_out->release || running->part + 1 >= source->parts.n)
			break;
		close_part(running);
		running->part++;
		if (open_part(source, running->part, &running->inner, &running->schema) != EXIT_OK)
			return fail_stream(running, "it cannot be read any more");
	}
	if (!batch_out->release)
		return 0;
	if (!typed_convert(&source->how.typed, &running->schema, batch_out, running->row, &why)) {
		arrow_array_release(batch_out);
		return fail_stream(running, why.text);
	}
	running->row += batch_out->length;
	return 0;
}

static const char *last_error(struct ArrowArrayStream *stream)
{
	struct running *running = stream->private_data;

	return text_string(&running->source->error);
}

static void release_stream(struct ArrowArrayStream *stream)
{
	struct running *running = stream->private_data;

	close_part(running);
	free(running);
	stream->release = NULL;
}

int source_stream(struct source *source, struct ArrowArrayStream *stream_out)
{
	struct running *running = need_memory(1, sizeof *running);
	int code;

	running->source = source;
	*stream_out = (struct ArrowArrayStream){ next_schema, next_batch, last_error,
		                                 release_stream, running };
	code = open_part(source, 0, &running->inner, &running->schema);
	if (code != EXIT_OK)
		stream_out->release(stream_out);
	return code;
}

/* ---- opening ---------------------------------------------------------------------------------- */

static bool same_schema(const struct ArrowSchema *a, const struct ArrowSchema *b)
{
	if (strcmp(a->format, b->format) != 0 || a->flags != b->flags ||
	    a->n_children != b->n_children || !a->dictionary != !b->dictionary ||
	    strcmp(a->name ? a->name : "", b->name ? b->name : "") != 0)
		return false;
	if (a->dictionary && !same_schema(a->dictionary, b->dictionary))
		return false;
	for (int64_t i = 0; i < a->n_children; i++)
		if (!same_schema(a->children[i], b->children[i]))
			return false;
	return true;
}

/* What a reader needs to know of two schemas that differ. */
static int fail_schema(const struct source *source, size_t part, const struct ArrowSchema *first,
                       const struct ArrowSchema *other)
{
	int64_t i = 0;

	while (i < first->n_children && i < other->n_children &&
	       same_schema(first->children[i], other->children[i]))
		i++;
	return fail_with(EXIT_FAILED, "the part has another schema than '%s' (column %s, file %s)",
	                 source->parts.at[0],
	                 i < other->n_children   ? other->children[i]->name
	                 : i < first->n_children ? first->children[i]->name
	                                         : "-",
	                 source->parts.at[part]);
}

static int check_part(const struct source *source, size_t part, const struct ArrowSchema *first)
{
	struct ArrowArrayStream stream;
	struct ArrowSchema schema;
	int code = open_part(source, part, &stream, &schema);

	if (code == EXIT_OK && !same_schema(first, &schema))
		code = fail_schema(source, part, first, &schema);
	arrow_schema_release(&schema);
	arrow_stream_release(&stream);
	return code;
}

static int check_parts(const struct source *source)
{
	struct ArrowArrayStream stream;
	struct ArrowSchema first;
	int code = open_part(source, 0, &stream, &first);

	for (size_t i = 1; i < source->parts.n && code == EXIT_OK; i++)
		code = check_part(source, i, &first);
	arrow_schema_release(&first);
	arrow_stream_release(&stream);
	return code;
}

static int find_parts(struct source *source, const char *path)
{
	struct stat facts;
	int code;

	source->pipe = !strcmp(path, "-");
	if (!source->pipe && !stat(path, &facts) && S_ISDIR(facts.st_mode)) {
		code = parts_list(path, &source->parts);
		for (size_t i = 0; i < source->parts.n && code == EXIT_OK; i++) {
			const struct way *way = source->way;

			code = way_of(source->args, source->parts.at[i], &source->way);
			if (code == EXIT_OK && i && way != source->way)
				code = fail_with(EXIT_FAILED,
				                 "the part is of another kind than '%s' (file %s)",
				                 source->parts.at[0], source->parts.at[i]);
		}
		return code;
	}
	code = way_of(source->args, path, &source->way);
	if (code == EXIT_OK && source->pipe && !source->way->from_pipe)
		return usage(source->args, "%s cannot be read from stdin", source->way->name);
	if (!source->pipe) {
		source->parts.at = need_memory(1, sizeof *source->parts.at);
		source->parts.at[source->parts.n++] =
			strcpy(need_memory(strlen(path) + 1, 1), path);
	}
	return code;
}

int source_open(struct source *source, const struct args *args, const teg_spec *array)
{
	int code;

	*source = (struct source){ .args = args, .how = { .args = args } };
	code = find_parts(source, args->operand[0]);
	if (code == EXIT_OK)
		code = read_text_options(source);
	if (code == EXIT_OK && array)
		take_types(&source->how, array);
	return code == EXIT_OK && source->parts.n > 1 ? check_parts(source) : code;
}

void source_release(struct source *source)
{
	parts_free(&source->parts);
	text_free(&source->error);
	typed_free(&source->how.typed);
	word_names_free(&source->how.nulls);
}
