/* tapd/ctl/mesh: the table, the picture and the graph, against files of what they are
 * to look like. MESH_GOLDEN_WRITE=1 in the environment writes those anew: look at the
 * difference. */
#include "tapd/ctl/mesh.h"

#include <math.h>
#include <string.h>

#include "support/main.h"
#include "unit/ctl/screen.h"

#define GOLDEN TEST_SOURCE_DIR "/tests/unit/ctl/golden/"

/* Sixteen hosts near each other; web8 loses a fifth of what web4 sends, the way to web13
 * is long, and web11 says nothing. */
static json_t *sixteen(void)
{
	json_t *rows = json_array(), *names = json_array();

	for (int i = 0; i < 16; i++) {
		char name[16];

		snprintf(name, sizeof(name), "web%d", i + 1);
		json_array_append_new(names, json_string(name));
	}
	json_array_append_new(rows, json_pack("{s:o}", "names", names));
	for (int i = 0; i < 16; i++) {
		json_t *rtt = json_array(), *loss = json_array();

		for (int j = 0; j < 16; j++) {
			const bool known = i != j && i != 10;
			const bool far = i == 12 || j == 12;
			const bool bad = i == 7 && j == 3;

			json_array_append_new(
				rtt, known ? json_integer(300 + 7 * i + 5 * j +
							  (far ? 4000 : 0))
					   : json_null());
			json_array_append_new(loss,
					      known ? json_real(bad ? 0.2 : 0)
						    : json_null());
		}
		json_array_append_new(
			rows, json_pack("{s:b, s:o, s:o}", "answered", i != 10,
					"rtt_us", rtt, "loss", loss));
	}
	return rows;
}

static struct mesh *mesh_of(json_t *rows)
{
	struct mesh *m = mesh_read(rows);

	json_decref(rows);
	ck_assert_ptr_nonnull(m);
	return m;
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	ck_assert_msg(f != NULL, "cannot read %s", path);
	ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, f), 0);
	fclose(f);
	return text;
}

static const struct {
	const char *file;
	void (*print)(const struct mesh *m, FILE *out);
} views[] = {
	{ GOLDEN "mesh.txt", mesh_table },
	{ GOLDEN "mesh.svg", mesh_svg },
	{ GOLDEN "mesh.dot", mesh_dot },
};

START_TEST(it_looks_as_it_did)
{
	struct mesh *m = mesh_of(sixteen());
	char *text = NULL, *golden;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	views[_i].print(m, f);
	fclose(f);
	if (getenv("MESH_GOLDEN_WRITE")) {
		f = fopen(views[_i].file, "w");
		ck_assert_ptr_nonnull(f);
		fputs(text, f);
		fclose(f);
	}
	golden = read_file(views[_i].file);
	ck_assert_msg(strcmp(text, golden) == 0, "%s is another:\n%.2000s",
		      views[_i].file, text);
	free(golden);
	free(text);
	mesh_free(m);
}
END_TEST

START_TEST(the_bad_link_is_the_worst)
{
	struct mesh *m = mesh_of(sixteen());
	struct mesh_place worst[41];
	size_t n = mesh_worst(m, worst, 40);

	ck_assert_uint_eq(n, 30);
	ck_assert_uint_eq(worst[0].from, 7);
	ck_assert_uint_eq(worst[0].to, 3);
	ck_assert(mesh_badness(m, 7, 3) > mesh_badness(m, 12, 0));
	ck_assert(mesh_badness(m, 12, 0) >= MESH_DOUBTFUL);
	ck_assert(!(mesh_badness(m, 0, 1) > 0));
	ck_assert(isnan(mesh_badness(m, 10, 0)));
	mesh_free(m);
}
END_TEST

/* Nothing wider than a terminal, and nothing that drives it or is markup. */
static const char *const odd[] = {
	"[{\"names\":[\"a\"]},{}]",
	"[{\"names\":[\"\\u001b[2J<&\\\"\",\"\\u00e4\"]},{},{\"rtt_us\":5}]",
	"[{\"names\":["
	"\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcde"
	"fghijklmnopqrstuvwxyz\",\"b\"]},{\"answered\":true,\"rtt_us\":[null,"
	"1e12],"
	"\"loss\":[null,1.0]},{\"rtt_us\":[0,0],\"loss\":[7,-1]}]",
};

START_TEST(whatever_is_answered_can_be_shown)
{
	struct mesh *m = mesh_of(json_loads(odd[_i], 0, NULL));

	for (size_t i = 0; i < UNIT_COUNT(views); i++) {
		struct screen s;
		char *text;

		screen_open(&s);
		if (views[i].print == mesh_table) {
			views[i].print(m, s.out);
			text = screen_close(&s);
		} else {
			views[i].print(m, s.out);
			fclose(s.out);
			text = s.text;
		}
		ck_assert_ptr_null(strchr(text, '\033'));
		ck_assert_ptr_null(strstr(text, "<&"));
		free(text);
	}
	mesh_free(m);
}
END_TEST

static const char *const none[] = {
	"[]",
	"{}",
	"[{\"names\":[]}]",
	"[{\"names\":[\"a\",\"b\"]},{}]",
	"[{\"names\":\"a\"},{}]",
	"5",
};

START_TEST(what_is_no_mesh_is_refused)
{
	json_t *rows = json_loads(none[_i], JSON_DECODE_ANY, NULL);

	ck_assert_ptr_nonnull(rows);
	ck_assert_ptr_null(mesh_read(rows));
	json_decref(rows);
}
END_TEST

/* As JSON it is what the daemon said. */
START_TEST(as_json_it_is_one_object)
{
	struct mesh *m = mesh_of(sixteen());
	json_t *all = mesh_json(m);
	const json_t *row = json_array_get(json_object_get(all, "loss"), 7);

	ck_assert_uint_eq(json_array_size(json_object_get(all, "names")), 16);
	ck_assert_double_eq(json_real_value(json_array_get(row, 3)), 0.2);
	ck_assert(json_is_null(json_array_get(row, 7)));
	ck_assert(json_is_false(
		json_array_get(json_object_get(all, "answered"), 10)));
	json_decref(all);
	mesh_free(m);
}
END_TEST

/* Of more hosts than a table has room for, the worst are named all the same. */
START_TEST(many_hosts_fit_a_screen)
{
	json_t *rows = json_array(), *names = json_array();
	struct screen s;
	struct mesh *m;
	char *text;

	for (int i = 0; i < 200; i++)
		json_array_append_new(names, json_string("host"));
	json_array_append_new(rows, json_pack("{s:o}", "names", names));
	for (int i = 0; i < 200; i++)
		json_array_append_new(rows, json_pack("{s:[i,i], s:[f,f]}",
						      "rtt_us", 5, 5, "loss",
						      0.0, i ? 0.0 : 0.5));
	m = mesh_of(rows);
	screen_open(&s);
	mesh_table(m, s.out);
	text = screen_close(&s);
	ck_assert_ptr_nonnull(strstr(text, "host measures of host"));
	ck_assert_ptr_nonnull(strstr(text, "--svg"));
	free(text);
	mesh_free(m);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("mesh_view"),
	UNIT_EACH(it_looks_as_it_did, views),
	UNIT_TEST(the_bad_link_is_the_worst),
	UNIT_EACH(whatever_is_answered_can_be_shown, odd),
	UNIT_EACH(what_is_no_mesh_is_refused, none),
	UNIT_TEST(as_json_it_is_one_object),
	UNIT_TEST(many_hosts_fit_a_screen),
};

UNIT_MAIN("mesh_view", tests)
