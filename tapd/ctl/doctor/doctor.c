#include "tapd/ctl/doctor/doctor.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/answer.h"
#include "tapd/ctl/doctor/checks.h"
#include "tapd/ctl/doctor/collect.h"
#include "tapd/ctl/doctor/daemon.h"

/* "/run/tapd/tap0.sock": tap0, which is the default as well. */
static void guess_interface(const char *socket, char name[IF_NAMESIZE])
{
	const char *slash = strrchr(socket, '/');
	const char *base = slash ? slash + 1 : socket;
	size_t len = strcspn(base, ".");

	if (len > 0 && len < IF_NAMESIZE && strcmp(base + len, ".sock") == 0)
		snprintf(name, IF_NAMESIZE, "%.*s", (int)len, base);
	else
		snprintf(name, IF_NAMESIZE, "tap0");
}

static void check_all(const struct facts *f, struct diagnosis *d)
{
	check_interface(f, d);
	check_overlap(f, d);
	check_multicast(f, d);
	check_peers(f, d);
	check_kernel_tables(f, d);
	check_ufw(f, d);
	check_firewalld(f, d);
	check_datagrams(f, d);
	check_growth(f, d);
	check_machine(f, d);
	check_service(f, d);
	check_keepalived(f, d);
}

static void examine(const char *socket, struct diagnosis *d)
{
	char guess[IF_NAMESIZE];
	struct facts f = { .root = "" };
	struct daemon_answers a;
	const char *name;

	guess_interface(socket, guess);
	diagnosis_name(d, guess);
	daemon_ask(&a, socket, guess, d);
	name = json_string_value(json_object_get(
		json_object_get(a.status, "interface"), "name"));
	f.interface = name ? name : guess;
	diagnosis_name(d, f.interface);
	f.settings = json_object_get(a.doctor, "settings");
	f.status = a.status;
	f.peers = a.peers;
	f.daemon_down = a.down;
	f.daemon_denied = a.denied;
	collect_facts(&f);
	check_all(&f, d);
	diagnosis_sort(d);
	facts_free(&f);
	daemon_answers_free(&a);
}

int doctor_run(const char *socket, bool json, FILE *out)
{
	struct diagnosis *d = diagnosis_new();
	int status;

	examine(socket, d);
	if (json) {
		json_t *all = diagnosis_json(d);

		answer_print(out, all, JSON_INDENT(2));
		json_decref(all);
	} else {
		diagnosis_print(d, out);
	}
	status = diagnosis_status(d);
	diagnosis_free(d);
	return status;
}
