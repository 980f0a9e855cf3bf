/* Who the daemon becomes, where the configuration leaves it to the daemon. */
#ifndef TAPD_RIGHTS_RUN_USER_H
#define TAPD_RIGHTS_RUN_USER_H

#include "tapd/conf/conf.h"

/*
 * conf->user if it names one. Else, started as root, "tapd", if this host has that
 * user and it can read what is read again: the file, the secret, and the key, which may
 * still be missing. Else "", nobody else. *why (to be freed) says which command lets
 * the user read them; NULL if there is nothing to say.
 *
 * Forks, to ask as that user: to be called before any key is read.
 */
void run_user_choose(const struct conf *c, char user[CONF_NAME_LEN],
		     char **why);

/* Whose secret and key they may be: that user, or the one who would be chosen if it
 * could read them. "": this process's. */
const char *run_user_of_files(const struct conf *c);

/* Makes the last folder of path, if it is missing, for that user. "": for this one.
 * What fails shows when something is put there. */
void run_user_make_folder(const char *user, const char *path);

#endif
