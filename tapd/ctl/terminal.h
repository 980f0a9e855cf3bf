/* A terminal that a program draws on, and whose keys it reads. */
#ifndef TAPD_CTL_TERMINAL_H
#define TAPD_CTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* True if standard input and output are one that can be drawn on. */
bool terminal_is_there(void);
/* Takes the whole screen, until terminal_leave, or until a signal ends the program,
 * which then exits with 0; while it is stopped the screen is as it was. False if that
 * is not possible. */
bool terminal_enter(void);
void terminal_leave(void);
/* Its lines; 24 if it does not say. */
size_t terminal_lines(void);
/* Shows a text in place of the one before. */
void terminal_show(const char *text);
/* Waits for so long. False if meanwhile q was pressed, or the input ended. */
bool terminal_wait(int ms);

#endif
