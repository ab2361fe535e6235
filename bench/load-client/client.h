/* The load client of `npm run bench`: many WebSocket connections in one thread, cheaper than any server it measures. */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One step of a handshake: text to send, or the start of a text frame to wait for. */
struct step {
  bool sends;
  char *text;
  size_t length;
};

/* What a connection does until it is ready; connections take the scripts of the file in turn. */
struct script {
  char *path;
  /* One more header of the request with its line end, or nothing. */
  char *header;
  struct step *steps;
  size_t count;
};

enum state { CONNECTING, UPGRADING, GREETING, READY, CLOSED };

struct connection {
  int fd;
  enum state state;
  bool stalled;
  bool sampled;
  const struct script *script;
  size_t step;
  /* The start of a frame whose end has not come yet. */
  uint8_t *rest;
  size_t rest_length;
  uint64_t started_at;
  uint32_t deliveries;
};

/* What has happened since `begin`. */
struct totals {
  uint64_t deliveries;
  uint64_t bytes;
  uint64_t last_at;
  uint64_t cpu_at_begin;
};

extern struct totals totals;
extern size_t ready_count;
extern size_t closed_count;

/* Microseconds of CLOCK_MONOTONIC, the clock that the publisher stamps messages with. */
uint64_t now_micros(void);

/* Prints what is wrong and ends the process. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* script.c: reads the handshakes from a file. */
struct script *read_scripts(const char *file, size_t *count);

/* samples.c: times in microseconds. */
void add_sample(int64_t micros);
void clear_samples(void);
void print_samples(void);

/* connection.c: one connection's life. */
void start_connection(struct connection *connection, int port, const struct script *script);
void on_writable(struct connection *connection);
void on_readable(struct connection *connection);

/* main.c: hears of every batch of deliveries. */
void on_deliveries(void);
void watch(struct connection *connection, uint32_t events, bool is_new);

#endif
