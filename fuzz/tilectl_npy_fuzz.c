/* Any bytes as the header of a .npy file and as the table of an archive: refused with a reason, or a
 * header whose numbers hold together. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tools/tilectl/npy.h"
#include "tools/tilectl/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_fields(const struct npy_header *header)
{
	size_t most = 0;

	must(header->n_fields > 0 && header->n_fields <= NPY_MAX_FIELDS);
	for (size_t i = 0; i < header->n_fields; i++) {
		const struct npy_field *field = &header->fields[i];

		must(field->n > 0 && field->offset >= most);
		most = field->offset + field->n * field->size;
		must(!field->name || field->name[0]);
	}
	must(most <= header->item_size);
}

static void check_header(const uint8_t *data, size_t size)
{
	struct npy_header header = { .fields = NULL };
	struct why why = { "" };
	size_t len;

	if (!npy_header_len(data, size, &len, &why) || len > size) {
		must(!npy_read_header(data, size, &header, &why) && why.text[0]);
		npy_header_free(&header);
		return;
	}
	if (npy_read_header(data, len, &header, &why)) {
		must(header.rank <= NPY_MAX_RANK && header.data_len <= INT64_MAX);
		must(header.data_len == header.n_items * header.item_size);
		check_fields(&header);
	} else {
		must(why.text[0] != '\0');
	}
	npy_header_free(&header);
}

static void check_archive(const uint8_t *data, size_t size)
{
	struct bytes file = { .fd = memfd_create("archive", MFD_CLOEXEC),
		              .own = true,
		              .len = size };
	struct why why = { "" };
	struct zip zip;

	must(file.fd >= 0 && write(file.fd, data, size) == (ssize_t)size);
	if (zip_read(&file, &zip, &why)) {
		for (size_t i = 0; i < zip.n; i++)
			must(zip.at[i].name != NULL);
	} else {
		must(why.text[0] != '\0');
	}
	zip_free(&zip);
	bytes_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_header(data, size);
	check_archive(data, size);
	return 0;
}
