/*
 * send-loop PORT REDIS_PORT single|bundled
 *
 * The least that a server can do: what comes from Redis goes to every connection, by one send() per message, or by
 * one for all messages that came in one read. It answers an upgrade without looking at it, so it is a limit to
 * compare with, not a WebSocket server.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <signal.h>

#define MAXIMUM_CLIENTS 20000
#define BYTES (1 << 20)

struct client {
  int fd;
  bool is_open;
};

static struct client clients[MAXIMUM_CLIENTS];
static size_t client_count;
static int epoll;
static bool bundles;

/* What came from Redis and is not whole yet, and the frames made of what was. */
static char input[BYTES];
static size_t input_length;
static uint8_t output[BYTES * 2];
static size_t output_length;

static _Noreturn void fail(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int fd, void *data) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
}

static struct sockaddr_in loopback(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/* A client that does not take everything at once is cut off, and so shows as deliveries that are missing. */
static void flush(void) {
  for (size_t i = 0; i < client_count; i++) {
    if (!clients[i].is_open) continue;
    if (send(clients[i].fd, output, output_length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)output_length) continue;
    clients[i].is_open = false;
    close(clients[i].fd);
  }
  output_length = 0;
}

static void add_frame(const char *text, size_t length) {
  uint8_t *frame = output + output_length;
  frame[0] = 0x81;
  if (length < 126) {
    frame[1] = (uint8_t)length;
    frame += 2;
  } else {
    frame[1] = 126;
    frame[2] = (uint8_t)(length >> 8);
    frame[3] = (uint8_t)length;
    frame += 4;
  }
  memcpy(frame, text, length);
  output_length = (size_t)(frame - output) + length;
}

/* Takes one RESP array of bulk strings off the input: how many bytes it has, 0 while it is not whole. */
static size_t take_push(const char *at, size_t length, const char **last, size_t *last_length) {
  const char *end = at + length, *p = at;
  const char *line = memchr(p, '\n', (size_t)(end - p));
  if (!line) return 0;
  long count = *p == '*' ? atol(p + 1) : 0;
  p = line + 1;
  for (long i = 0; i < count; i++) {
    line = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    if (!line) return 0;
    char kind = *p;
    size_t size = (size_t)atol(p + 1);
    p = line + 1;
    if (kind != '$') continue;
    if ((size_t)(end - p) < size + 2) return 0;
    *last = p;
    *last_length = size;
    p += size + 2;
  }
  return (size_t)(p - at);
}

/* Every push but the answer to the subscription carries a message as its last part. */
static void on_redis(int redis) {
  ssize_t received = recv(redis, input + input_length, sizeof input - input_length, 0);
  if (received <= 0) exit(0);
  input_length += (size_t)received;
  size_t at = 0;
  for (size_t taken; at < input_length; at += taken) {
    const char *text = NULL;
    size_t length = 0;
    taken = take_push(input + at, input_length - at, &text, &length);
    if (taken == 0) break;
    if (memmem(input + at, taken < 24 ? taken : 24, "pmessage", 8) == NULL) continue;
    add_frame(text, length);
    if (!bundles) flush();
  }
  memmove(input, input + at, input_length - at);
  input_length -= at;
  if (output_length > 0) flush();
}

static void on_client(struct client *client) {
  static const char upgraded[] =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x0asubscribed";
  char request[8192];
  ssize_t received = recv(client->fd, request, sizeof request, 0);
  if (received > 0) {
    bool is_upgrade = memmem(request, (size_t)received, "\r\n\r\n", 4) != NULL;
    if (is_upgrade) send(client->fd, upgraded, sizeof upgraded - 1, MSG_NOSIGNAL);
    return;
  }
  client->is_open = false;
  close(client->fd);
}

static void on_listener(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  if (client_count == MAXIMUM_CLIENTS) fail("too many clients");
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct client *client = &clients[client_count++];
  *client = (struct client){.fd = fd, .is_open = true};
  watch(fd, client);
}

static int listen_on(const char *port) {
  struct sockaddr_in address = loopback(port);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1024) < 0) fail("listen");
  return listener;
}

static int subscribe(const char *port) {
  static const char command[] = "PSUBSCRIBE room:*\r\n";
  struct sockaddr_in address = loopback(port);
  int redis = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(redis, (struct sockaddr *)&address, sizeof address) < 0) fail("Redis");
  if (send(redis, command, sizeof command - 1, MSG_NOSIGNAL) < 0) fail("Redis");
  return redis;
}

int main(int count, char **values) {
  if (count != 4) return 1;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  bundles = strcmp(values[3], "bundled") == 0;
  epoll = epoll_create1(EPOLL_CLOEXEC);
  int redis = subscribe(values[2]), listener = listen_on(values[1]);
  watch(redis, &redis);
  watch(listener, &listener);
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[256];
    int ready = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      void *data = events[i].data.ptr;
      if (data == &redis) on_redis(redis);
      else if (data == &listener) on_listener(listener);
      else on_client(data);
    }
  }
}
