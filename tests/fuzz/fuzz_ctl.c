/* Any JSON as what a daemon, of any version, answers tapctl: what is not as expected
 * is shown as "-", and nothing else happens. */
#include <string.h>

#include "fuzz.h"
#include "tapd/ctl/mesh.h"
#include "tapd/ctl/render.h"
#include "tapd/ctl/top_table.h"

static void render_top(FILE *out, json_t *answer)
{
	json_t *rows = top_rows(json_object_get(answer, "before"), answer, 1);

	top_render(out, answer, rows, 0);
	json_decref(rows);
}

static void render(FILE *out, json_t *answer)
{
	render_top(out, answer);
	render_status(out, answer);
	render_peers(out, answer);
	render_peer_details(out, answer);
	render_fdb(out, answer);
	render_groups(out, answer, answer);
	render_groups(out, json_object_get(answer, "groups"), answer);
	render_drops(out, answer, false);
	render_drops(out, answer, true);
	render_event(out, answer);
	render_reload(out, answer);
	render_rekey(out, answer);
	render_ping(out, answer, 1);
	render_pings(out, answer);
	render_test(out, answer);
}

static void show_mesh(FILE *out, const json_t *answer)
{
	struct mesh *m = mesh_read(answer);

	if (!m)
		return;
	mesh_table(m, out);
	mesh_svg(m, out);
	mesh_dot(m, out);
	json_decref(mesh_json(m));
	mesh_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *answer =
		json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (!answer)
		return 0;
	out = open_memstream(&text, &len);
	HOLDS(out);
	render(out, answer);
	show_mesh(out, answer);
	fclose(out);
	HOLDS(strlen(text) == len);
	free(text);
	json_decref(answer);
	return 0;
}
