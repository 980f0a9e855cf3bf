#include "tapd/ctl/key_commands.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tapd/common/error.h"
#include "tapd/common/keyfile.h"
#include "tapd/ctl/options.h"

#define KEY_DIR "/var/lib/tapd"

int key_genpsk(void)
{
	uint8_t secret[KEY_LEN];
	char text[KEY_STRLEN];

	if (!key_random(secret))
		return options_fail(CLIENT_REFUSED,
				    strdup("the kernel gives no random bytes"));
	puts(key_print(secret, text));
	bytes_wipe(secret, sizeof(secret));
	bytes_wipe(text, sizeof(text));
	return CLIENT_OK;
}

/* The only key file in the usual place: "tap0.key". To be freed; NULL with
 * *error. */
static char *find_key_file(char **error)
{
	DIR *d = opendir(KEY_DIR);
	const struct dirent *entry;
	char *path = NULL;
	size_t count = 0;

	while (d && (entry = readdir(d)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len <= 4 || strcmp(entry->d_name + len - 4, ".key") != 0)
			continue;
		free(path);
		if (asprintf(&path, "%s/%s", KEY_DIR, entry->d_name) < 0)
			path = NULL;
		count++;
	}
	if (d)
		closedir(d);
	if (count == 1 && path)
		return path;
	free(path);
	error_set(error,
		  count ? "%s has several key files; name one"
			: "%s has no key file; name one, or start tapd, "
			  "which makes it",
		  KEY_DIR);
	return NULL;
}

int key_pubkey(const char *file)
{
	char *found = NULL, *error = NULL, text[KEY_STRLEN];
	struct public_key key;
	bool ok;

	if (!file && !(file = found = find_key_file(&error)))
		return options_fail(CLIENT_REFUSED, error);
	ok = key_file_public(file, &key, &error);
	free(found);
	if (!ok)
		return options_fail(CLIENT_REFUSED, error);
	puts(key_print(key.bytes, text));
	return CLIENT_OK;
}
