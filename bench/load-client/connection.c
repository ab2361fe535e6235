/* One WebSocket connection: upgrade, greeting by script, then counting what arrives. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

#define READ_BYTES (1 << 20)
#define STAMP_DIGITS 16

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

static uint8_t buffer[READ_BYTES];

static void close_connection(struct connection *connection) {
  if (connection->state == READY) ready_count--;
  connection->state = CLOSED;
  closed_count++;
  close(connection->fd);
  free(connection->rest);
  connection->rest = NULL;
}

static void send_all(struct connection *connection, const void *data, size_t length) {
  ssize_t sent = send(connection->fd, data, length, MSG_NOSIGNAL);
  if (sent == (ssize_t)length) return;
  /* Requests are small and few; a server that does not take them has ended the connection. */
  close_connection(connection);
}

/* The mask is zero: valid, and free. */
static void send_frame(struct connection *connection, enum opcode opcode, const void *data, size_t length) {
  uint8_t frame[16 + 16384] = {0x80 | opcode};
  size_t head = 2;
  if (length > 16384) fail("a request of %zu bytes is too long", length);
  if (length < 126) {
    frame[1] = 0x80 | length;
  } else {
    frame[1] = 0x80 | 126;
    frame[2] = length >> 8;
    frame[3] = length & 255;
    head = 4;
  }
  memcpy(frame + head + 4, data, length);
  send_all(connection, frame, head + 4 + length);
}

static void advance(struct connection *connection) {
  const struct script *script = connection->script;
  while (connection->step < script->count && script->steps[connection->step].sends) {
    const struct step *step = &script->steps[connection->step++];
    send_frame(connection, TEXT, step->text, step->length);
    if (connection->state == CLOSED) return;
  }
  if (connection->step < script->count) return;
  connection->state = READY;
  ready_count++;
  if (connection->sampled) add_sample((int64_t)(now_micros() - connection->started_at));
}

/* What a message begins with on all servers but SocketCluster. */
static const char MESSAGE[] = "42/ws,[\"data\",";

/* Most messages of the publisher carry `@` and when they were due. */
static bool find_stamp(const uint8_t *text, size_t length, uint64_t *stamp) {
  const uint8_t *mark = memchr(text, '@', length);
  if (!mark || mark + 1 + STAMP_DIGITS > text + length) return false;
  *stamp = 0;
  for (size_t i = 1; i <= STAMP_DIGITS; i++) *stamp = *stamp * 10 + (mark[i] - '0');
  return true;
}

static void on_text(struct connection *connection, const uint8_t *text, size_t length, uint64_t now) {
  if (length == 0) { /* SocketCluster's ping */
    send_frame(connection, TEXT, "", 0);
    return;
  }
  if (length == 1 && text[0] == '2') { /* Engine.IO's ping */
    send_frame(connection, TEXT, "3", 1);
    return;
  }
  if (connection->state == GREETING) {
    const struct step *step = &connection->script->steps[connection->step];
    if (length < step->length || memcmp(text, step->text, step->length) != 0) return;
    connection->step++;
    advance(connection);
    return;
  }
  uint64_t stamp;
  bool is_timed = find_stamp(text, length, &stamp);
  if (!is_timed && (length < sizeof MESSAGE - 1 || memcmp(text, MESSAGE, sizeof MESSAGE - 1) != 0)) return;
  connection->deliveries++;
  totals.deliveries++;
  if (is_timed && connection->sampled) add_sample((int64_t)(now - stamp));
}

/* Compressed messages are counted, not read: when one was due stays unknown. */
static void on_compressed(struct connection *connection) {
  if (connection->state != READY) fail("a compressed answer to the handshake");
  connection->deliveries++;
  totals.deliveries++;
}

static void on_frame(struct connection *connection, enum opcode opcode, const uint8_t *data, size_t length, uint64_t now) {
  if (opcode == TEXT || opcode == BINARY) on_text(connection, data, length, now);
  else if (opcode == PING) send_frame(connection, PONG, data, length);
  else if (opcode == CLOSE) close_connection(connection);
}

/* Handles the whole frames and returns how many bytes they took. */
static size_t walk(struct connection *connection, const uint8_t *data, size_t length, uint64_t now) {
  size_t at = 0;
  while (connection->state != CLOSED && length - at >= 2) {
    size_t head = 2;
    uint64_t size = data[at + 1] & 127;
    if (size == 126) head = 4;
    if (size == 127) head = 10;
    if (length - at < head) break;
    if (head > 2) {
      size = 0;
      for (size_t i = 2; i < head; i++) size = size << 8 | data[at + i];
    }
    if (length - at - head < size) break;
    if (data[at] & 64) on_compressed(connection);
    else on_frame(connection, data[at] & 15, data + at + head, size, now);
    at += head + size;
  }
  return at;
}

/* Returns the bytes that the answer to the upgrade took, 0 while it is not whole. */
static size_t take_upgrade(struct connection *connection, const uint8_t *data, size_t length) {
  const uint8_t *end = memmem(data, length, "\r\n\r\n", 4);
  if (!end) return 0;
  if (length < 12 || memcmp(data, "HTTP/1.1 101", 12) != 0) fail("upgrade refused: %.*s", (int)(end - data), data);
  connection->state = GREETING;
  advance(connection);
  return (size_t)(end + 4 - data);
}

static void keep_rest(struct connection *connection, const uint8_t *data, size_t length) {
  if (length == READ_BYTES) fail("a frame is larger than %d bytes", READ_BYTES);
  if (length > 0) {
    connection->rest = realloc(connection->rest, length);
    if (!connection->rest) fail("no memory for a frame");
    memcpy(connection->rest, data, length);
  }
  connection->rest_length = length;
}

void on_readable(struct connection *connection) {
  size_t kept = connection->rest_length;
  if (kept > 0) memcpy(buffer, connection->rest, kept);
  ssize_t received = recv(connection->fd, buffer + kept, READ_BYTES - kept, 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (received <= 0) {
    close_connection(connection);
    return;
  }
  uint64_t before = totals.deliveries, now = now_micros();
  size_t length = kept + (size_t)received, taken = 0;
  totals.bytes += (uint64_t)received;
  if (connection->state == UPGRADING) taken = take_upgrade(connection, buffer, length);
  if (connection->state != UPGRADING) taken += walk(connection, buffer + taken, length - taken, now);
  if (connection->state != CLOSED) keep_rest(connection, buffer + taken, length - taken);
  if (totals.deliveries == before) return;
  totals.last_at = now;
  on_deliveries();
}

void on_writable(struct connection *connection) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) fail("connection refused: %s", strerror(error));
  char request[4096];
  int length = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                        connection->script->path, connection->script->header);
  if (length >= (int)sizeof request) fail("the request is too long");
  connection->state = UPGRADING;
  watch(connection, EPOLLIN, false);
  send_all(connection, request, (size_t)length);
}

void start_connection(struct connection *connection, int port, const struct script *script) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket: %s (raise the limit of open files)", strerror(errno));
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connection->fd = fd;
  connection->script = script;
  connection->state = CONNECTING;
  connection->started_at = now_micros();
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
    fail("connect: %s", strerror(errno));
  }
  watch(connection, EPOLLOUT, true);
}
