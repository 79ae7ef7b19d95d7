#include "tools/tilectl/ledger.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/tegula_unstable.h"
#include "tools/tilectl/arrow.h"

#define PART_ROWS ((uint64_t)4 << 20)
#define SAMPLES_MAX 65536 /* an even number */

/* ---- the batches of the file ------------------------------------------------------------------ */

struct reading_on {
	struct ArrowArrayStream stream;
	struct ArrowSchema schema;
	struct ArrowArray batch;
	int64_t column; /* of the times */
	int64_t before; /* rows of the batches before this one */
	bool ended;
};

static teg_status stream_failed(struct ArrowArrayStream *stream, teg_error *err)
{
	const char *why = stream->get_last_error ? stream->get_last_error(stream) : NULL;

	*err = (teg_error){ .status = TEG_IO, .offset = -1, .row = -1 };
	snprintf(err->message, sizeof err->message, "cannot read: %.200s",
	         why ? why : "it does not say why");
	return TEG_IO;
}

static void close_file(struct reading_on *file)
{
	arrow_array_release(&file->batch);
	arrow_schema_release(&file->schema);
	arrow_stream_release(&file->stream);
	memset(file, 0, sizeof *file);
}

static teg_status open_file(const struct ledger *l, struct reading_on *file, teg_error *err)
{
	close_file(file);
	if (source_stream(l->source, &file->stream) != EXIT_OK ||
	    file->stream.get_schema(&file->stream, &file->schema))
		return stream_failed(&file->stream, err);
	for (int64_t c = 0; c < file->schema.n_children; c++)
		if (!strcmp(file->schema.children[c]->name, l->put.system_time_column))
			file->column = c;
	return TEG_OK;
}

static teg_status next_batch(struct reading_on *file, teg_error *err)
{
	file->before += file->batch.release ? file->batch.length : 0;
	arrow_array_release(&file->batch);
	if (file->stream.get_next(&file->stream, &file->batch))
		return stream_failed(&file->stream, err);
	file->ended = !file->batch.release;
	return TEG_OK;
}

/* Microseconds, whatever is not whole cut off: the library refuses it. False: null, or no time. */
static bool time_at(const struct reading_on *file, int64_t row, int64_t *us_out)
{
	const struct ArrowArray *times = file->batch.children[file->column];
	const char *format = file->schema.children[file->column]->format;
	const uint8_t *valid = times->n_buffers == 2 ? times->buffers[0] : NULL;
	int64_t at = row + file->batch.offset + times->offset, value;

	if (times->n_buffers != 2 || !times->buffers[1] ||
	    (strcmp(format, "l") != 0 && strncmp(format, "ts", 2) != 0) ||
	    (valid && !((valid[at >> 3] >> (at & 7)) & 1)))
		return false;
	memcpy(&value, (const uint8_t *)times->buffers[1] + 8 * at, sizeof value);
	if (format[0] == 't' && format[2] == 'n')
		value /= 1000;
	else if (format[0] == 't' && format[2] != 'u' &&
	         __builtin_mul_overflow(value, format[2] == 's' ? 1000000 : 1000, &value))
		return false;
	*us_out = value;
	return true;
}

/* ---- its times -------------------------------------------------------------------------------- */

/* Every second one goes, and of the rows to come as many. */
static void thin_out(struct ledger *l)
{
	for (size_t i = 0; 2 * i < l->n_samples; i++)
		l->samples[i] = l->samples[2 * i];
	l->n_samples /= 2;
	l->stride *= 2;
}

static void look_at_times(struct ledger *l, const struct reading_on *file)
{
	for (int64_t row = 0; row < file->batch.length; row++, l->n_rows++) {
		int64_t time;

		if (!time_at(file, row, &time))
			continue;
		l->ascends &= time >= l->newest;
		l->newest = time > l->newest ? time : l->newest;
		if (l->n_rows % l->stride)
			continue;
		if (l->n_samples == SAMPLES_MAX)
			thin_out(l);
		if (l->n_rows % l->stride == 0)
			l->samples[l->n_samples++] = time;
	}
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* About as many rows in each; the same for the same file and size, so that a later run goes on. */
static void choose_cuts(struct ledger *l)
{
	uint64_t n = (l->n_rows + l->part_rows - 1) / l->part_rows;

	l->cuts = need_memory(n + 1, sizeof *l->cuts);
	qsort(l->samples, l->n_samples, sizeof *l->samples, by_time);
	for (uint64_t i = 1; i < n && l->n_samples; i++) {
		int64_t cut = l->samples[(uint64_t)l->n_samples * i / n];

		if (cut < l->newest && (!l->n_cuts || cut > l->cuts[l->n_cuts - 1]))
			l->cuts[l->n_cuts++] = cut;
	}
}

/* ---- what is there already -------------------------------------------------------------------- */

#define KEY "ledger"
#define PART "ledger_part"

static bool is_pair(const teg_metadata *pair, const char *key)
{
	return pair->key_len == strlen(key) && !memcmp(pair->key, key, pair->key_len);
}

/* "3 of 7" */
static bool is_last(const teg_metadata *pair)
{
	char text[64];
	uint64_t part, of;

	if (pair->value_len >= sizeof text)
		return false;
	memcpy(text, pair->value, pair->value_len);
	text[pair->value_len] = 0;
	return sscanf(text, "%" SCNu64 " of %" SCNu64, &part, &of) == 2 && part == of;
}

static bool look_at_version(void *ctx, const teg_version_info *version)
{
	struct ledger *l = ctx;
	bool last = false;

	for (size_t i = 0; i < version->n_metadata; i++) {
		const teg_metadata *pair = &version->metadata[i];

		l->found |= is_pair(pair, KEY) && pair->value_len == strlen(l->key) &&
		            !memcmp(pair->value, l->key, pair->value_len);
		last |= is_pair(pair, PART) && is_last(pair);
	}
	if (!l->found)
		return true;
	l->finished = last;
	l->after = version->system_time;
	l->result.version = version->version;
	l->result.system_time = version->system_time;
	return false;
}

static void name_key(struct ledger *l)
{
	if (l->txn.key_writer)
		snprintf(l->key, sizeof l->key, "%.255s:%" PRIu64, l->txn.key_writer,
		         l->txn.key_sequence);
}

teg_status ledger_look(struct ledger *l, teg_array *array, teg_error *err)
{
	name_key(l);
	return l->key[0] ? teg_walk_array_versions(array, look_at_version, l, err) : TEG_OK;
}

/* ---- parts ------------------------------------------------------------------------------------ */

struct ledger_part {
	uint64_t number, of; /* from 1 */
	int64_t after, through;
	char numbers[64];
	teg_metadata pairs[2];
	teg_txn *txn;
};

/* The last part has the key that was given, so that a sequence counts imports; those before have one
 * that follows from it: the import as the writer, and their times, which ascend, as the sequence. */
static teg_status begin_part(struct ledger *l, struct ledger_part *part, teg_error *err)
{
	teg_txn_options options = l->txn;

	snprintf(part->numbers, sizeof part->numbers, "%" PRIu64 " of %" PRIu64, part->number,
	         part->of);
	part->pairs[0] = (teg_metadata){ PART, part->numbers, strlen(PART), strlen(part->numbers) };
	part->pairs[1] = (teg_metadata){ KEY, l->key, strlen(KEY), strlen(l->key) };
	options.metadata = part->pairs;
	options.n_metadata = l->key[0] ? 2 : 1;
	if (l->key[0] && part->number < part->of) {
		options.key_writer = l->key;
		options.key_sequence = (uint64_t)part->through ^ (uint64_t)1 << 63;
	}
	return teg_txn_begin(l->store, &options, &part->txn, err);
}

static teg_status create(struct ledger *l, const struct reading_on *file, struct ledger_part *part,
                         teg_error *err)
{
	if (!l->spec || l->found)
		return TEG_OK;
	return teg_txn_create_from_arrow(part->txn, l->array, l->spec, &file->schema, &l->put, err);
}

static teg_status put_batch(struct ledger *l, const struct reading_on *file,
                            const struct ledger_part *part, teg_error *err)
{
	teg_put_options put = l->put;
	teg_status status;

	if (part->after != INT64_MIN || part->through != INT64_MAX) {
		put.system_after = part->after;
		put.system_through = part->through;
	}
	status = teg_txn_put_arrow(part->txn, l->array, &file->schema, &file->batch, &put, err);
	if (status != TEG_OK && err->row >= 0)
		err->row += file->before;
	return status;
}

static teg_status commit_part(struct ledger *l, struct ledger_part *part, teg_error *err)
{
	teg_commit_result one = { .struct_size = sizeof one };
	teg_status status = teg_txn_commit(part->txn, &one, err);

	if (status != TEG_OK)
		return status;
	part->txn = NULL;
	l->found = true; /* and with it the array */
	if (!one.system_time)
		return TEG_OK;
	l->result.version = one.version;
	l->result.system_time = one.system_time;
	l->result.n_rows += one.n_rows;
	l->result.n_segments += one.n_segments;
	l->result.n_bytes += one.n_bytes;
	return TEG_OK;
}

/* Whether the batch has rows behind the part, which a file that ascends has after all of its own. */
static bool goes_on(const struct reading_on *file, const struct ledger_part *part)
{
	int64_t time;

	return file->batch.length && time_at(file, file->batch.length - 1, &time) &&
	       time > part->through;
}

/* What a file that ascends has before the part. */
static bool is_behind(const struct ledger *l, const struct reading_on *file,
                      const struct ledger_part *part)
{
	int64_t time;

	return l->ascends && file->batch.length && time_at(file, file->batch.length - 1, &time) &&
	       time <= part->after;
}

/* From the batch at hand, or the first, to the part's last. */
static teg_status fill_part(struct ledger *l, struct reading_on *file, struct ledger_part *part,
                            teg_error *err)
{
	teg_status status = file->batch.release ? TEG_OK : next_batch(file, err);

	while (status == TEG_OK && !file->ended) {
		if (!is_behind(l, file, part))
			status = put_batch(l, file, part, err);
		if (status != TEG_OK || (l->ascends && goes_on(file, part)))
			break;
		status = next_batch(file, err);
	}
	return status;
}

static teg_status publish_part(struct ledger *l, struct reading_on *file, struct ledger_part *part,
                               teg_error *err)
{
	teg_status status = begin_part(l, part, err);

	if (status == TEG_OK)
		status = create(l, file, part, err);
	if (status == TEG_OK)
		status = fill_part(l, file, part, err);
	if (status == TEG_OK)
		status = commit_part(l, part, err);
	if (status != TEG_OK)
		teg_txn_abort(part->txn);
	return status;
}

/* A file in the order of its times is read on from part to part, any other once for each. */
static teg_status publish_parts(struct ledger *l, struct reading_on *file, teg_error *err)
{
	teg_status status = TEG_OK;
	bool open = false;

	for (size_t i = 0; i <= l->n_cuts && status == TEG_OK; i++) {
		struct ledger_part part = { .number = i + 1,
			                    .of = l->n_cuts + 1,
			                    .after = i ? l->cuts[i - 1] : INT64_MIN,
			                    .through = i < l->n_cuts ? l->cuts[i] : INT64_MAX };

		if (l->found && part.through <= l->after)
			continue; /* an earlier run has published it */
		if (l->found && part.after < l->after)
			part.after = l->after;
		if (!open || !l->ascends)
			status = open_file(l, file, err);
		open = true;
		if (status == TEG_OK)
			status = publish_part(l, file, &part, err);
	}
	return status;
}

/* Looks at all times; what is no longer than a part is put on the way. */
static teg_status read_whole(struct ledger *l, struct reading_on *file, struct ledger_part *part,
                             teg_error *err)
{
	teg_status status = next_batch(file, err);

	while (status == TEG_OK && !file->ended) {
		look_at_times(l, file);
		if (part->txn && l->n_rows > l->part_rows) {
			teg_txn_abort(part->txn);
			part->txn = NULL;
		}
		if (part->txn)
			status = put_batch(l, file, part, err);
		if (status == TEG_OK)
			status = next_batch(file, err);
	}
	return status;
}

static teg_status try_whole(struct ledger *l, struct reading_on *file, bool *done_out,
                            teg_error *err)
{
	struct ledger_part part = {
		.number = 1, .of = 1, .after = INT64_MIN, .through = INT64_MAX
	};
	teg_status status = open_file(l, file, err);

	if (status == TEG_OK && !l->found)
		status = begin_part(l, &part, err);
	if (status == TEG_OK && part.txn)
		status = create(l, file, &part, err);
	if (status == TEG_OK)
		status = read_whole(l, file, &part, err);
	*done_out = part.txn != NULL;
	if (status == TEG_OK && part.txn)
		status = commit_part(l, &part, err);
	if (status != TEG_OK)
		teg_txn_abort(part.txn);
	return status;
}

teg_status ledger_import(struct ledger *l, teg_error *err)
{
	struct reading_on file = { .column = 0 };
	bool done = false;
	teg_status status;

	name_key(l);
	l->part_rows = l->part_rows ? l->part_rows : PART_ROWS;
	l->samples = need_memory(SAMPLES_MAX, sizeof *l->samples);
	l->stride = 1;
	l->newest = INT64_MIN;
	l->ascends = true;
	if (l->finished) {
		l->result.repeated = true;
		return TEG_OK;
	}
	status = try_whole(l, &file, &done, err);
	if (status == TEG_OK && !done) {
		choose_cuts(l);
		status = publish_parts(l, &file, err);
	}
	close_file(&file);
	return status;
}

void ledger_release(struct ledger *l)
{
	free(l->samples);
	free(l->cuts);
	l->samples = l->cuts = NULL;
}
