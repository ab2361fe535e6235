/*
 * load-client PORT SCRIPTS MAXIMUM SECONDS
 *
 * Opens at most MAXIMUM connections to 127.0.0.1:PORT and lives at most SECONDS. Commands on its standard input, one a
 * line, each answered with one line of JSON:
 *   connect COUNT RATE WINDOW   opens COUNT more, at most RATE a second (0: no limit), WINDOW of them under way
 *   stall COUNT                 reads the first COUNT connections no more
 *   begin STEP                  counts from zero; a line `n` for every STEP deliveries
 *   report                      what has been counted
 * It ends with its input.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define EVENTS 512
#define SAMPLE_EVERY 8

struct totals totals;
size_t ready_count;
size_t closed_count;

static struct connection *connections;
static size_t maximum, opened;
static int epoll, port;
static struct script *scripts;
static size_t script_count;
static uint64_t notify_step, notify_at;

/* The connect command that is under way. */
static struct {
  bool active;
  size_t first, target, rate, window;
  uint64_t started_at;
} opening;

uint64_t now_micros(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static uint64_t cpu_micros(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

void fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  fprintf(stderr, "load client: ");
  vfprintf(stderr, format, values);
  fprintf(stderr, "\n");
  va_end(values);
  exit(1);
}

void watch(struct connection *connection, uint32_t events, bool is_new) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, connection->fd, &event) < 0) fail("epoll: %s", strerror(errno));
}

void on_deliveries(void) {
  if (notify_step == 0 || totals.deliveries < notify_at) return;
  for (; totals.deliveries >= notify_at; notify_at += notify_step) fputs("n\n", stdout);
  fflush(stdout);
}

static void begin(uint64_t step) {
  totals = (struct totals){.cpu_at_begin = cpu_micros()};
  notify_step = notify_at = step;
  clear_samples();
  for (size_t i = 0; i < opened; i++) connections[i].deliveries = 0;
  puts("{}");
}

static void report(void) {
  uint32_t fewest = UINT32_MAX, most = 0;
  for (size_t i = 0; i < opened; i++) {
    if (connections[i].stalled) continue;
    if (connections[i].deliveries < fewest) fewest = connections[i].deliveries;
    if (connections[i].deliveries > most) most = connections[i].deliveries;
  }
  printf("{\"deliveries\":%lu,\"bytes\":%lu,\"lastAt\":%lu,\"cpu\":%lu,\"ready\":%zu,\"closed\":%zu,\"fewest\":%u,\"most\":%u,",
         totals.deliveries, totals.bytes, totals.last_at, cpu_micros() - totals.cpu_at_begin, ready_count, closed_count,
         opened ? fewest : 0, most);
  print_samples();
  puts("}");
}

static void stall(size_t count) {
  for (size_t i = 0; i < count && i < opened; i++) {
    connections[i].stalled = true;
    epoll_ctl(epoll, EPOLL_CTL_DEL, connections[i].fd, NULL);
  }
  puts("{}");
}

static void open_more(void) {
  if (!opening.active) return;
  uint64_t elapsed = now_micros() - opening.started_at;
  while (opened < opening.target && opened - ready_count - closed_count < opening.window) {
    if (opening.rate && (opened - opening.first) * 1000000ull > elapsed * opening.rate) break;
    connections[opened].sampled = opened % SAMPLE_EVERY == 0;
    start_connection(&connections[opened], port, &scripts[opened % script_count]);
    opened++;
  }
  if (opened < opening.target || ready_count + closed_count < opened) return;
  opening.active = false;
  printf("{\"ready\":%zu,\"closed\":%zu,\"micros\":%lu}\n", ready_count, closed_count, now_micros() - opening.started_at);
  fflush(stdout);
}

static void command(char *line) {
  size_t count, rate, window;
  if (sscanf(line, "connect %zu %zu %zu", &count, &rate, &window) == 3) {
    if (opened + count > maximum) fail("more than %zu connections", maximum);
    opening.active = true;
    opening.first = opened;
    opening.target = opened + count;
    opening.rate = rate;
    opening.window = window;
    opening.started_at = now_micros();
  } else if (sscanf(line, "stall %zu", &count) == 1) {
    stall(count);
  } else if (sscanf(line, "begin %zu", &count) == 1) {
    begin(count);
  } else if (strcmp(line, "report") == 0) {
    report();
  } else {
    fail("no such command: %s", line);
  }
  fflush(stdout);
}

static void read_commands(void) {
  static char input[4096];
  static size_t length;
  ssize_t received = read(STDIN_FILENO, input + length, sizeof input - 1 - length);
  if (received <= 0) exit(0);
  length += (size_t)received;
  input[length] = 0;
  char *start = input;
  for (char *end; (end = strchr(start, '\n')); start = end + 1) {
    *end = 0;
    command(start);
  }
  length -= (size_t)(start - input);
  memmove(input, start, length);
}

static void handle(struct epoll_event *event) {
  struct connection *connection = event->data.ptr;
  if (!connection) read_commands();
  else if (connection->state == CONNECTING) on_writable(connection);
  else if (connection->state != CLOSED && !connection->stalled) on_readable(connection);
}

int main(int count, char **values) {
  if (count != 5) fail("usage: load-client PORT SCRIPTS MAXIMUM SECONDS");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  port = atoi(values[1]);
  maximum = (size_t)atol(values[3]);
  alarm((unsigned)atoi(values[4]));
  struct rlimit files = {.rlim_cur = maximum + 64, .rlim_max = maximum + 64};
  struct rlimit current;
  getrlimit(RLIMIT_NOFILE, &current);
  if (current.rlim_cur < files.rlim_cur && setrlimit(RLIMIT_NOFILE, &files) < 0) {
    fail("cannot open %zu files: raise the hard limit (ulimit -Hn)", maximum);
  }
  scripts = read_scripts(values[2], &script_count);
  connections = calloc(maximum, sizeof *connections);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
  if (!connections || epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) < 0) fail("cannot start");
  for (;;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, opening.active ? 1 : -1);
    for (int i = 0; i < ready; i++) handle(&events[i]);
    open_more();
  }
}
