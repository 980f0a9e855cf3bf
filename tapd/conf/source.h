/* The text of a configuration file with its @include files in place. */
#ifndef TAPD_CONF_SOURCE_H
#define TAPD_CONF_SOURCE_H

/*
 * libconfig has @include of its own, but the versions in use differ in what a
 * relative path is relative to, and end the process when it names a directory;
 * a reload must survive any file. So the files are put together here: a path is
 * relative to the file that names it, and every line remembers where it came
 * from.
 */
struct conf_source;

/* NULL with *error ("FILE: …" or "FILE:LINE: …", to be freed). */
struct conf_source *conf_source_read(const char *path, char **error);
void conf_source_free(struct conf_source *s);

const char *conf_source_text(const struct conf_source *s);
/* The file and its line behind a line of the text, both counted from 1. */
const char *conf_source_file(const struct conf_source *s, unsigned line);
unsigned conf_source_line(const struct conf_source *s, unsigned line);

#endif
