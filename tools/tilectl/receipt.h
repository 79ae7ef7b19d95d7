/* The receipt that tilectl erase printed, as far as tilectl proof needs it. */
#ifndef TILECTL_RECEIPT_H
#define TILECTL_RECEIPT_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"

struct receipt {
	char array[256];
	uint64_t version;
	char **removed; /* paths below the store */
	size_t n_removed;
};
/* An exit code, said on stderr. Release in any case. */
int receipt_read(const char *path, struct receipt *receipt_out);
void receipt_release(struct receipt *receipt);
#endif
