/* Handshakes: `C <path>` begins one, `H <header>` adds a header to its request, `> <text>` sends a text frame, `< <prefix>` waits for one that begins so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

static char *copy(const char *text) {
  char *result = strdup(text);
  if (!result) fail("no memory for scripts");
  return result;
}

static char *with_line_end(const char *text) {
  char *result;
  if (asprintf(&result, "%s\r\n", text) < 0) fail("no memory for scripts");
  return result;
}

static void add_step(struct script *script, char kind, const char *text) {
  script->steps = realloc(script->steps, (script->count + 1) * sizeof *script->steps);
  if (!script->steps) fail("no memory for scripts");
  script->steps[script->count++] = (struct step){.sends = kind == '>', .text = copy(text), .length = strlen(text)};
}

struct script *read_scripts(const char *file, size_t *count) {
  FILE *input = fopen(file, "r");
  if (!input) fail("cannot read %s", file);
  struct script *scripts = NULL;
  char *line = NULL;
  size_t size = 0;
  *count = 0;
  for (ssize_t length; (length = getline(&line, &size, input)) > 0;) {
    if (line[length - 1] == '\n') line[--length] = 0;
    if (length < 2 || line[1] != ' ') fail("%s: not a step: %s", file, line);
    if (line[0] == 'C') {
      scripts = realloc(scripts, (*count + 1) * sizeof *scripts);
      if (!scripts) fail("no memory for scripts");
      scripts[(*count)++] = (struct script){.path = copy(line + 2), .header = copy("")};
    } else if (*count > 0 && line[0] == 'H') {
      free(scripts[*count - 1].header);
      scripts[*count - 1].header = with_line_end(line + 2);
    } else if (*count > 0 && (line[0] == '>' || line[0] == '<')) {
      add_step(&scripts[*count - 1], line[0], line + 2);
    } else {
      fail("%s: not a step: %s", file, line);
    }
  }
  free(line);
  fclose(input);
  if (*count == 0) fail("%s: no handshake", file);
  return scripts;
}
