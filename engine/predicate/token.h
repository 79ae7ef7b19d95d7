/* Text of a predicate as tokens, one at a time, with the byte each begins at: what a refusal names.
 * Used by predicate_parse.c only. format-spec/predicates.md, PRED-3 to PRED-6.
 *
 *   delay >= 10 and "from" in ('JFK')
 *   NAME  COMPARE NUMBER NAME QUOTED NAME PUNCTUATION TEXT PUNCTUATION
 */
#ifndef TEG_ENGINE_PREDICATE_TOKEN_H
#define TEG_ENGINE_PREDICATE_TOKEN_H
#include "engine/predicate/tree.h"

enum token {
	TOKEN_END,
	TOKEN_NAME,   /* or a word of the language */
	TOKEN_QUOTED, /* "name" */
	TOKEN_NUMBER,
	TOKEN_TEXT, /* 'text' */
	TOKEN_HEX,  /* x'hex' */
	TOKEN_COMPARE,
	TOKEN_PUNCTUATION
};

struct parser {
	const char *text;
	size_t at, start; /* the next byte; the token's first */
	enum token token;
	teg_compare op; /* of TOKEN_COMPARE */
	uint8_t *bytes; /* of the token, unquoted, with a terminator */
	size_t len, cap;
	unsigned depth;
	const teg_allocator *alloc;
	teg_error *err;
};

/* Steps to the next token. TEG_MISUSE, TEG_NOMEM. */
teg_status parser_next(struct parser *p);
/* Is it this word, unquoted, in capitals or not? */
bool parser_at_word(const struct parser *p, const char *word);
bool parser_at_mark(const struct parser *p, char mark);
/* A name that is no word of the language, or any name in quotes. */
bool parser_at_column(const struct parser *p);

/* TEG_MISUSE that says what, and where the token begins. */
teg_status parser_refuse(struct parser *p, const char *what);
teg_status parser_no_memory(struct parser *p);
#endif
