/* What the service manager that started us is told: sd_notify(3). */
#ifndef TAPD_MANAGER_NOTIFY_H
#define TAPD_MANAGER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * systemd, or anything else that set NOTIFY_SOCKET; without it, none of this does
 * anything. A manager that reads nothing holds nobody up for longer than a tenth of a
 * second a message, and that message is lost.
 */

/* A manager asked to be told. */
bool notify_is_wanted(void);

/* Sends the text, lines of NAME=VALUE, with a copy of fd unless that is -1. 0, -ENOENT
 * if no manager asked to be told, or -errno. */
int notify_send(const char *text, int fd);

/* What is shown beside the service, together with its being ready. */
void notify_ready(const char *status);
void notify_status(const char *status);
/* A reload began; once it has ended, the service is ready again. */
void notify_reloading(void);
void notify_reloaded(void);
void notify_stopping(void);

/* The loop is alive. It is to be told more often than every notify_watchdog_us, or the
 * manager ends us. 0: it does not want to know. */
uint64_t notify_watchdog_us(void);
void notify_alive(void);

#endif
