/* Any text as a type, a box, a range of times, a list of names or a duration of the command line: refused
 * with a reason, or read; and a box that was read prints as text that reads to the same text. */
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/box.h"
#include "tools/tilectl/type_word.h"
#include "tools/tilectl/value.h"
#include "tools/tilectl/when.h"
#include "tools/tilectl/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const teg_dimension dimensions[] = {
	{ .name = "x", .type = { .type = TEG_INT64 } },
	{ .name = "u", .type = { .type = TEG_UINT64 } },
	{ .name = "f", .type = { .type = TEG_FLOAT64 } },
	{ .name = "g", .type = { .type = TEG_FLOAT32 } },
	{ .name = "t", .type = { .type = TEG_TIMESTAMP, .unit = TEG_NANO, .zone = "UTC" } },
	{ .name = "w", .type = { .type = TEG_TIMESTAMP, .unit = TEG_SECOND } },
	{ .name = "d", .type = { .type = TEG_DATE32 } },
	{ .name = "s", .type = { .type = TEG_UTF8 } },
	{ .name = "b", .type = { .type = TEG_BYTES } },
	{ .name = "m", .type = { .type = TEG_DECIMAL128, .precision = 20, .scale = 3 } },
};
#define N (sizeof dimensions / sizeof *dimensions)

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_box(const char *text)
{
	struct text once = { NULL, 0, 0 }, twice = { NULL, 0, 0 };
	struct why why = { "" };
	struct box box, again;
	int code = box_read(text, dimensions, N, &box, &why);

	must((code == EXIT_OK) == !why.text[0]);
	if (code == EXIT_OK) {
		box_add(&once, dimensions, box.range, N);
		must(box_read(once.at, dimensions, N, &again, &why) == EXIT_OK);
		box_add(&twice, dimensions, again.range, N);
		must(!strcmp(once.at, twice.at));
		box_release(&again);
	}
	box_release(&box);
	text_free(&once);
	text_free(&twice);
}

/* What a type that is read needs; freed with the input. */
struct room {
	struct room *next;
	uint64_t at[];
};

static void *own(void *ctx, size_t size)
{
	struct room **rooms = ctx, *room = calloc(1, sizeof *room + size);

	must(room != NULL);
	room->next = *rooms;
	*rooms = room;
	return room->at;
}

/* A type that is read prints as text that reads as a type of the same text. */
static void check_type(const char *text, size_t len)
{
	struct text once = { NULL, 0, 0 }, twice = { NULL, 0, 0 };
	struct room *rooms = NULL;
	const struct type_room room = { own, &rooms };
	struct why why = { "" };
	teg_data_type type;

	if (type_read(text, len, &room, &type, &why)) {
		type_add_name(&once, &type);
		must(type_read(once.at, once.len, &room, &type, &why));
		type_add_name(&twice, &type);
		must(!strcmp(once.at, twice.at));
	}
	while (rooms) {
		struct room *next = rooms->next;

		free(rooms);
		rooms = next;
	}
	text_free(&once);
	text_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text text = { NULL, 0, 0 };
	struct why why = { "" };
	struct word_names names;
	int64_t from, until;

	text_add(&text, (const char *)data, size);
	check_box(text.at);
	check_type(text.at, text.len);
	must(when_read_range(text.at, &from, &until, &why) ? from < until : why.text[0] != '\0');
	why.text[0] = '\0';
	must(when_read_duration(text.at, &from, &why) ? from >= 0 : why.text[0] != '\0');
	if (word_read_names(text.at, &names, &why))
		word_names_free(&names);
	text_free(&text);
	return 0;
}
