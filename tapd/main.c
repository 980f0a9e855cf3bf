/* tapd: its options. */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tapd/common/keyfile.h"
#include "tapd/common/private_memory.h"
#include "tapd/conf/conf.h"
#include "tapd/conf/encapsulation.h"
#include "tapd/daemon.h"
#include "tapd/log/log.h"
#include "tapd/rights/run_user.h"
#include "tapd/tap/fitting_mtu.h"
#include "tapd/tap/interface.h"

static const char usage[] =
	"usage: tapd [-n] -c FILE\n"
	"       tapd [-n] --secret-file FILE [OPTION]... PEER...\n"
	"       tapd [-n] --encapsulation vxlan|gre [OPTION]... PEER...\n"
	"\n"
	"Joins this host to a virtual Ethernet by the interface tap0.\n"
	"\n"
	"  -c, --config FILE        read the configuration from FILE\n"
	"  -n, --check              check it, print what is in effect, and "
	"stop\n"
	"      --secret-file FILE   the network secret (tapctl genpsk makes "
	"one)\n"
	"      --address ADDR/LEN   an address for the interface; may be "
	"repeated\n"
	"      --interface NAME     the interface's name, if not tap0\n"
	"      --listen ADDR:PORT   where to receive, if not [::]:8273; may be"
	" repeated\n"
	"      --device NAME        the interface or VRF that the tunnel's "
	"datagrams"
	" use\n"
	"      --mark N             their mark, for `ip rule`\n"
	"      --key-file FILE      this node's key, made at first start\n"
	"      --control-socket F   where tapctl finds this daemon\n"
	"      --name NAME          this node's name, if not the host's\n"
	"      --encapsulation W    vxlan or gre: speak with hosts that have"
	" no tapd;\n"
	"                           nothing is sealed then\n"
	"      --network-id N       the VNI, or the key of GRE\n"
	"  -h, --help\n"
	"  -V, --version\n"
	"\n"
	"PEER is an address or a host name, with :PORT if it is not 8273"
	" (VXLAN: 4789).\n";

#define NAME_IS_CUT                                                           \
	"name: the host's name is longer than the 63 characters of a node's:" \
	" this one is called %s"

struct options {
	const char *file;
	bool check;
	bool without_file; /* an option of the form without a file was given */
	struct conf_options conf;
	const char *addresses[CONF_LIST_MAX], *listens[CONF_LIST_MAX];
};

enum {
	SECRET_FILE = 256,
	ADDRESS,
	INTERFACE,
	LISTEN,
	DEVICE,
	MARK,
	KEY_FILE,
	CONTROL,
	NAME,
	ENCAPSULATION,
	NETWORK_ID,
};

static const struct option names[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "secret-file", required_argument, NULL, SECRET_FILE },
	{ "address", required_argument, NULL, ADDRESS },
	{ "interface", required_argument, NULL, INTERFACE },
	{ "listen", required_argument, NULL, LISTEN },
	{ "device", required_argument, NULL, DEVICE },
	{ "mark", required_argument, NULL, MARK },
	{ "key-file", required_argument, NULL, KEY_FILE },
	{ "control-socket", required_argument, NULL, CONTROL },
	{ "name", required_argument, NULL, NAME },
	{ "encapsulation", required_argument, NULL, ENCAPSULATION },
	{ "network-id", required_argument, NULL, NETWORK_ID },
	{ NULL, 0, NULL, 0 },
};

static _Noreturn void usage_error(const char *what)
{
	fprintf(stderr, "tapd: %s\n%s", what, usage);
	exit(EX_USAGE);
}

static void add(const char **list, size_t *count)
{
	if (*count == CONF_LIST_MAX)
		usage_error("too many options");
	list[(*count)++] = optarg;
}

static void take_option(struct options *o, int option)
{
	o->without_file |= option > 255;
	switch (option) {
	case 'c':
		o->file = optarg;
		break;
	case 'n':
		o->check = true;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(EX_OK);
	case 'V':
		puts("tapd " TAPD_VERSION);
		exit(EX_OK);
	case SECRET_FILE:
		o->conf.secret_file = optarg;
		break;
	case ADDRESS:
		add(o->addresses, &o->conf.addresses_count);
		break;
	case INTERFACE:
		o->conf.interface = optarg;
		break;
	case LISTEN:
		add(o->listens, &o->conf.listens_count);
		break;
	case DEVICE:
		o->conf.device = optarg;
		break;
	case MARK:
		o->conf.mark = optarg;
		break;
	case KEY_FILE:
		o->conf.key_file = optarg;
		break;
	case CONTROL:
		o->conf.control_socket = optarg;
		break;
	case NAME:
		o->conf.name = optarg;
		break;
	case ENCAPSULATION:
		o->conf.encapsulation = optarg;
		break;
	case NETWORK_ID:
		o->conf.network_id = optarg;
		break;
	default: /* getopt has said what is wrong */
		fputs(usage, stderr);
		exit(EX_USAGE);
	}
}

static void read_options(struct options *o, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "c:nhV", names, NULL)) != -1)
		take_option(o, option);
	o->conf.addresses = o->addresses;
	o->conf.listens = o->listens;
	o->conf.peers = (const char *const *)argv + optind;
	o->conf.peers_count = (size_t)(argc - optind);
	if (o->file && (o->without_file || o->conf.peers_count > 0))
		usage_error("with -c, everything else is set in the file");
	if (!o->file && !o->conf.secret_file && !o->conf.encapsulation)
		usage_error("either -c FILE or --secret-file FILE is needed, or"
			    " --encapsulation");
}

static struct conf *read_conf(const struct options *o)
{
	char *error = NULL;
	struct conf *c = o->file ? conf_read(o->file, &error)
				 : conf_from_options(&o->conf, &error);

	if (!c) {
		fprintf(stderr, "%s\n", error ? error : "out of memory");
		exit(EX_CONFIG);
	}
	return c;
}

/* What the file means on this host. */
static void check_host(struct conf *c)
{
	struct interface_plan plan;
	char *error = NULL;

	if (fitting_mtu_set(c, &error) && interface_plan(&plan, c, &error))
		return;
	fprintf(stderr, "%s\n", error ? error : "out of memory");
	exit(EX_CONFIG);
}

/* The secret need not be on the host where a configuration is checked. */
static void check_secret(const struct conf *c)
{
	char *warning, *error = NULL;
	uint8_t secrets[2][KEY_LEN];

	if (!conf_is_sealed(c))
		return;
	if (secret_file_read(c->secret_file, run_user_of_files(c), secrets,
			     &warning, &error) == 0)
		fprintf(stderr, "warning: %s\n", error);
	else if (warning)
		fprintf(stderr, "warning: %s\n", warning);
	bytes_wipe(secrets, sizeof(secrets));
	free(warning);
	free(error);
}

static int check(struct conf *c)
{
	char user[CONF_NAME_LEN], *text, *warning;

	check_host(c);
	run_user_choose(c, user, &warning);
	if (warning)
		fprintf(stderr, "warning: %s\n", warning);
	free(warning);
	if (c->name_is_cut)
		fprintf(stderr, "warning: " NAME_IS_CUT "\n", c->name);
	text = conf_print(c);
	if (text)
		fputs(text, stdout);
	check_secret(c);
	free(text);
	conf_free(c);
	return text && fflush(stdout) == 0 ? EX_OK : EX_OSERR;
}

/* Were 0, 1 or 2 closed, a descriptor of ours would be taken for them. */
static void open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	static struct options o;
	struct conf *c;

	open_standard_files();
	signal(SIGPIPE, SIG_IGN);
	read_options(&o, argc, argv);
	c = read_conf(&o);
	/* The log finds its way through /proc/self, which is root's after that. */
	if (!o.check)
		log_open(c->interface.name, (enum log_level)c->log_level);
	private_memory_hide();
	if (o.check)
		return check(c);
	if (c->name_is_cut)
		log_warning(NAME_IS_CUT, c->name);
	return daemon_run(c);
}
