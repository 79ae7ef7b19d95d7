/* What a scan gives, did, or would do. */
#include "engine/scan/scan.h"
#include "codec/base/checked.h"
#include <string.h>

teg_status teg_scan_schema(teg_scan *scan, struct ArrowSchema *schema_out, teg_error *err)
{
	const struct schema *schema;

	if (!scan || !schema_out)
		return teg_fail(err, TEG_MISUSE,
		                "teg_scan_schema needs a scan and a place for the schema");
	schema = scan->array->state.schema;
	return export_schema(scan->outputs, scan->n_outputs, schema->metadata, schema->n_metadata,
	                     scan->alloc, schema_out, err);
}

void teg_scan_get_stats(const teg_scan *scan, teg_scan_stats *stats_out)
{
	size_t size = stats_out->struct_size;
	teg_scan_stats stats = { .struct_size = size };

	if (scan->sweep_open) {
		stats = scan->sweep.plan.stats;
		stats.struct_size = size;
		stats.reads += scan->sweep.reader.reads;
		stats.read_bytes += scan->sweep.reader.read_bytes;
	}
	stats.system_time = scan->view.s;
	memcpy(stats_out, &stats, size_min(size, sizeof stats));
}

teg_status teg_scan_explain(teg_scan *scan, teg_scan_stats *stats_out, teg_error *err)
{
	if (!scan || !stats_out)
		return teg_fail(err, TEG_MISUSE,
		                "teg_scan_explain needs a scan and a place for the figures");
	TEG_TRY(scan_start(scan, err));
	teg_scan_get_stats(scan, stats_out);
	if (scan->taken == 0 && scan->sweep.plan.stats.tiles_read == 0) {
		stats_out->tiles_read = scan->sweep.plan.n_tiles;
		stats_out->tiles_resolved = 0;
		for (uint32_t i = 0; i < scan->sweep.plan.n_tiles; i++)
			stats_out->tiles_resolved += scan->sweep.plan.tiles[i].needs_resolution;
	}
	return TEG_OK;
}
