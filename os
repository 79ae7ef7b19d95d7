engine/store/files.c:33:	os_close(files->os, f->file);
engine/store/files.c:109:	status = os_open(files->os, path, &f->file, err);
engine/store/reading.c:67:	return os_read(s->os, s->file, s->path, file_offset(r, chunk_off), to, (size_t)len, r->err);
engine/store/segment.c:49:	return os_read(s->os, s->file, s->path, s->ref->off + off, to, len, err);
engine/store/segment.c:80:	TEG_TRY(os_size(s->os, s->file, s->path, &size, err));
engine/store/segment.c:195:	segment->os = os;
engine/store/segment_keys.c:39:		status = segment_open(&keys->segment, &keys->ref, schema, host->os, host->file,
engine/store/tile.c:39:	TEG_TRY(os_read(s->os, s->file, s->path, s->ref->off + e->off, bytes, e->header_len, err));
