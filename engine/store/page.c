#include "engine/store/page.h"

#define PAGE_MARK 'P'

void page_ref_put(const struct page_ref *ref, uint8_t out[PAGE_REF_LEN])
{
	store_u64(out, ref->manifest);
	store_u64(out + 8, ref->off);
	store_u32(out + 16, ref->len);
	store_u64(out + 20, ref->hash);
}

struct page_ref page_ref_load(const uint8_t *at)
{
	return (struct page_ref){ load_u64(at), load_u64(at + 8), load_u32(at + 16),
		                  load_u64(at + 20) };
}

bool page_ref_equal(const struct page_ref *a, const struct page_ref *b)
{
	return a->manifest == b->manifest && a->off == b->off && a->len == b->len &&
	       a->hash == b->hash;
}

void page_put(uint8_t level, const struct page_entry *entries, size_t n, struct buf *out)
{
	size_t len = PAGE_HEADER_LEN;
	uint32_t end = 0;

	for (size_t i = 0; i < n; i++)
		len += page_entry_len(&entries[i]);
	if (len > PAGE_LEN_LIMIT) {
		out->status = TEG_LIMIT;
		return;
	}
	buf_u8(out, PAGE_MARK);
	buf_u8(out, level);
	buf_u16(out, 0);
	buf_u32(out, (uint32_t)len);
	buf_u32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		end += (uint32_t)entries[i].key.len;
		buf_u32(out, end);
		end += (uint32_t)entries[i].value.len;
		buf_u32(out, end);
	}
	for (size_t i = 0; i < n; i++) {
		buf_append_span(out, entries[i].key);
		buf_append_span(out, entries[i].value);
	}
}

struct page_entry page_at(const struct page *page, uint32_t i)
{
	const uint8_t *slot = page->slots + (size_t)i * PAGE_SLOT_LEN;
	uint32_t start = i ? load_u32(slot - 4) : 0;
	uint32_t middle = load_u32(slot), end = load_u32(slot + 4);

	return (struct page_entry){ { page->data + start, middle - start },
		                    { page->data + middle, end - middle } };
}

struct span page_key(const struct page *page, uint32_t i)
{
	return page_at(page, i).key;
}

/* The slots ascend and end with the page; so every entry lies inside it. */
static teg_status check_slots(const struct page *page, size_t data_len, teg_error *err)
{
	uint32_t end = 0;

	for (size_t i = 0; i < 2 * (size_t)page->n; i++) {
		uint32_t next = load_u32(page->slots + 4 * i);

		if (next < end || next > data_len)
			return teg_fail(err, TEG_CORRUPT, "catalog page: slot %zu is out of range",
			                i / 2);
		end = next;
	}
	if (end != data_len)
		return teg_fail(err, TEG_CORRUPT, "catalog page: bytes are left over");
	return TEG_OK;
}

static teg_status check_entries(const struct page *page, teg_error *err)
{
	for (uint32_t i = 0; i < page->n; i++) {
		struct page_entry entry = page_at(page, i);

		if (entry.key.len > PAGE_KEY_MAX)
			return teg_fail(err, TEG_CORRUPT, "catalog page: key %u is too long", i);
		if (i && span_compare(page_key(page, i - 1), entry.key) >= 0)
			return teg_fail(err, TEG_CORRUPT, "catalog page: key %u is out of order",
			                i);
		if (page->level && entry.value.len != PAGE_REF_LEN)
			return teg_fail(err, TEG_CORRUPT, "catalog page: reference %u is not whole",
			                i);
	}
	return TEG_OK;
}

teg_status page_parse(struct span bytes, struct page *page_out, teg_error *err)
{
	struct reader r = reader_of(bytes);
	uint8_t mark = reader_u8(&r);
	uint8_t level = reader_u8(&r);
	uint16_t zero = reader_u16(&r);
	uint32_t len = reader_u32(&r);
	uint32_t n = reader_u32(&r);

	if (!reader_ok(&r) || mark != PAGE_MARK || zero || len != bytes.len)
		return teg_fail(err, TEG_CORRUPT, "catalog page: not a page of %zu bytes",
		                bytes.len);
	if (level > PAGE_LEVEL_MAX || (level && !n))
		return teg_fail(err, TEG_CORRUPT, "catalog page: level %u with %u entries", level,
		                n);
	if (n > reader_left(&r) / PAGE_SLOT_LEN)
		return teg_fail(err, TEG_CORRUPT, "catalog page: %u entries do not fit", n);
	if (n > 1 && len > PAGE_LEN_MAX)
		return teg_fail(err, TEG_CORRUPT, "catalog page: %u bytes for %u entries", len, n);
	*page_out = (struct page){ level, n, bytes.at + PAGE_HEADER_LEN,
		                   bytes.at + PAGE_HEADER_LEN + (size_t)n * PAGE_SLOT_LEN };
	TEG_TRY(check_slots(page_out, bytes.len - PAGE_HEADER_LEN - (size_t)n * PAGE_SLOT_LEN,
	                    err));
	return check_entries(page_out, err);
}

uint32_t page_lower_bound(const struct page *page, struct span key)
{
	uint32_t lo = 0, hi = page->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (span_compare(page_key(page, mid), key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint32_t page_child(const struct page *page, struct span key)
{
	uint32_t i = page_lower_bound(page, key);

	if (i < page->n && span_equal(page_key(page, i), key))
		return i;
	return i ? i - 1 : 0;
}
