/* tapctl's commands that need no daemon: keys. */
#ifndef TAPD_CTL_KEY_COMMANDS_H
#define TAPD_CTL_KEY_COMMANDS_H

/* Each prints, and returns tapctl's exit status. */
/* A new network secret. */
int key_genpsk(void);
/* The public key of the private one in file; NULL: the only file in /var/lib/tapd. */
int key_pubkey(const char *file);

#endif
