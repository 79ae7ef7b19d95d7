/* The receipt that tilectl erase printed, as far as tilectl proof needs it. */
#ifndef TILECTL_RECEIPT_H
#define TILECTL_RECEIPT_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"

struct receipt {
	char array[256];  /* "": of every array */
	uint64_t version; /* of the erasure; 0: older ones were completed, and metadata went */
	bool known;       /* it says that it is a receipt */
	char **removed;   /* paths below the store */
	size_t n_removed;
};
/* An exit code, said on stderr. Release in any case. */
int receipt_read(const char *path, struct receipt *receipt_out);
void receipt_release(struct receipt *receipt);
#endif
