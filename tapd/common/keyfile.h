/* Keys on disk: the network secret and this node's own key. */
#ifndef TAPD_COMMON_KEYFILE_H
#define TAPD_COMMON_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/key.h"

/*
 * The secret file: base64 of 32 bytes, optionally a second line with another
 * that is also accepted. Blank lines and lines that start with '#' are skipped.
 * Refused by the rule of private_file.h for that user, whose group may read it;
 * *warning is that of the rule (to be freed), or NULL. Returns how many secrets (1
 * or 2), or 0 with *error ("FILE: …; …" or "FILE:LINE: …; …", to be freed; it never
 * quotes the file) and the secrets zeroed.
 */
size_t secret_file_read(const char *path, const char *user,
			uint8_t secrets[2][KEY_LEN], char **warning,
			char **error);

/*
 * This node's private key, made (0600, directories too) if the file is not
 * there. The file is text:
 *
 *	private_key = BASE64
 *	machine_id = ID
 *
 * with the machine's id (/etc/machine-id) when the key was made. If another
 * machine's is found, the disk was cloned, and a new key replaces it; *warning
 * then says so in words for the log (to be freed). Else it is that of the rule of
 * private_file.h for that user, or NULL. Where either id is not known nothing is
 * concluded. False with *error (to be freed), and the
 * key zeroed; a file that is there and not understood is never replaced.
 */
bool key_file_load(const char *path, const char *user,
		   uint8_t private_key[KEY_LEN], char **warning, char **error);
/* Reads it only, whoever owns it: the public key in it. False with *error. */
bool key_file_public(const char *path, struct public_key *key, char **error);

/* 32 random bytes. False with errno if the kernel gives none. */
bool key_random(uint8_t key[KEY_LEN]);

#endif
