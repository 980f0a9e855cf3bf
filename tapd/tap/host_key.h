/* What stands for a node's key on a host where nothing is sealed and there is none. */
#ifndef TAPD_TAP_HOST_KEY_H
#define TAPD_TAP_HOST_KEY_H

#include "base/key.h"
#include "tapd/conf/conf.h"

/*
 * A public key in form only: nobody has a private one to it, and it goes nowhere. The
 * MAC of the interface and its stamp are made of it, so it is the same at every start,
 * and another on another host: of /etc/machine-id, where there is one, the node's name
 * and the interface's.
 */
struct public_key host_key(const struct conf *c);

#endif
