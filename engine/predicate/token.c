#include "engine/predicate/token.h"

teg_status parser_refuse(struct parser *p, const char *what)
{
	teg_fail(p->err, TEG_MISUSE, "predicate: %s at byte %zu", what, p->start);
	return error_at_offset(p->err, TEG_MISUSE, (int64_t)p->start);
}

teg_status parser_no_memory(struct parser *p)
{
	return teg_fail(p->err, TEG_NOMEM, "no memory for a predicate");
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static teg_status keep_byte(struct parser *p, uint8_t byte)
{
	void *block = p->bytes;

	if (!mem_grow(p->alloc, &block, &p->cap, p->len + 2, 1))
		return parser_no_memory(p);
	p->bytes = block;
	p->bytes[p->len++] = byte;
	p->bytes[p->len] = 0;
	return TEG_OK;
}

static teg_status take_byte(struct parser *p)
{
	return keep_byte(p, (uint8_t)p->text[p->at++]);
}

/* A quote within is written twice. */
static teg_status take_quoted(struct parser *p, char quote, enum token token)
{
	for (p->at++; p->text[p->at] != quote || p->text[p->at + 1] == quote;) {
		if (!p->text[p->at])
			return parser_refuse(p, "a quote is not closed");
		p->at += p->text[p->at] == quote;
		TEG_TRY(take_byte(p));
	}
	p->at++;
	p->token = token;
	TEG_TRY(keep_byte(p, 0)); /* so that there is memory for an empty one too */
	p->len--;
	return TEG_OK;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static teg_status take_hex(struct parser *p)
{
	p->at++;
	TEG_TRY(take_quoted(p, '\'', TOKEN_HEX));
	if (p->len % 2)
		return parser_refuse(p, "hex digits come in pairs");
	for (size_t i = 0; i < p->len; i += 2) {
		int hi = hex_digit(p->bytes[i]), lo = hex_digit(p->bytes[i + 1]);

		if (hi < 0 || lo < 0)
			return parser_refuse(p, "not a hex digit");
		p->bytes[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	p->len /= 2;
	return TEG_OK;
}

static teg_status take_name(struct parser *p)
{
	char c;

	while (c = p->text[p->at], is_name(c) || is_digit(c) || c == '.')
		TEG_TRY(take_byte(p));
	p->token = TOKEN_NAME;
	return TEG_OK;
}

/* Only what belongs to it; whether it makes sense is asked when it is read. */
static teg_status take_number(struct parser *p)
{
	bool sign = true;

	for (;;) {
		char c = p->text[p->at];

		if (!is_digit(c) && c != '.' && !is_name(c) && !(sign && (c == '+' || c == '-')))
			break;
		sign = c == 'e' || c == 'E';
		TEG_TRY(take_byte(p));
	}
	p->token = TOKEN_NUMBER;
	return TEG_OK;
}

static bool take_compare(struct parser *p)
{
	static const struct {
		char text[3];
		teg_compare op;
	} ops[] = { { "<>", TEG_NE }, { "!=", TEG_NE }, { "<=", TEG_LE }, { ">=", TEG_GE },
		    { "<", TEG_LT },  { ">", TEG_GT },  { "=", TEG_EQ } };

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		size_t len = strlen(ops[i].text);

		if (strncmp(p->text + p->at, ops[i].text, len) == 0) {
			p->at += len;
			p->op = ops[i].op;
			p->token = TOKEN_COMPARE;
			return true;
		}
	}
	return false;
}

static bool at_number(const struct parser *p)
{
	const char *c = p->text + p->at;

	return is_digit(c[0]) ||
	       ((c[0] == '-' || c[0] == '+' || c[0] == '.') && (is_digit(c[1]) || c[1] == '.'));
}

teg_status parser_next(struct parser *p)
{
	char c;

	while ((c = p->text[p->at]) == ' ' || c == '\t' || c == '\n' || c == '\r')
		p->at++;
	p->start = p->at;
	p->len = 0;
	p->token = TOKEN_END;
	if (!c)
		return TEG_OK;
	if (c == '"')
		return take_quoted(p, '"', TOKEN_QUOTED);
	if (c == '\'')
		return take_quoted(p, '\'', TOKEN_TEXT);
	if ((c == 'x' || c == 'X') && p->text[p->at + 1] == '\'')
		return take_hex(p);
	if (is_name(c))
		return take_name(p);
	if (at_number(p))
		return take_number(p);
	if (take_compare(p))
		return TEG_OK;
	if (!strchr("(),", c))
		return parser_refuse(p, "an unexpected character");
	p->token = TOKEN_PUNCTUATION;
	return take_byte(p);
}

bool parser_at_word(const struct parser *p, const char *word)
{
	size_t len = strlen(word);

	if (p->token != TOKEN_NAME || p->len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = p->bytes[i];

		if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (uint8_t)word[i])
			return false;
	}
	return true;
}

bool parser_at_mark(const struct parser *p, char mark)
{
	return p->token == TOKEN_PUNCTUATION && p->bytes[0] == (uint8_t)mark;
}

bool parser_at_column(const struct parser *p)
{
	static const char *const words[] = { "and",     "or",   "not",  "in",   "is",
		                             "between", "null", "true", "false" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (parser_at_word(p, words[i]))
			return false;
	return p->token == TOKEN_NAME || p->token == TOKEN_QUOTED;
}
