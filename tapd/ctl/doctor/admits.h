/* How much the rules of a firewall let in by the interface. */
#ifndef TAPD_CTL_DOCTOR_ADMITS_H
#define TAPD_CTL_DOCTOR_ADMITS_H

#include <stdbool.h>

#include "tapd/ctl/doctor/facts.h"

/* Of several answers the last one in this order counts. */
enum admits {
	ADMITS_NONE,
	ADMITS_SOME,	   /* or it cannot be told from the files */
	ADMITS_UNREADABLE, /* this user may not read them */
	ADMITS_ALL,
};

/* Whether a word, as an interface's name, is in the text, with nothing of a name before or after it. text
 * may be NULL. */
bool admits_word(const char *text, const char *word);
/* How much of the network is in that of a rule, "10.77.0.0/16" or "10.77.0.3". */
enum admits admits_source(const char *text, const struct prefix *network);

/* How much rules let in of the network. */
typedef enum admits admits_judge(const void *rules,
				 const struct prefix *network);
/* Of all networks of the interface together. */
enum admits admits_networks(const struct facts *f, admits_judge *judge,
			    const void *rules);

#endif
