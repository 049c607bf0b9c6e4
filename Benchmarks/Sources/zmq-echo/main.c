/* The ceiling under which a hub works: a ZeroMQ ROUTER that answers every request with the same bytes, in C.
   Usage: zmq-echo ENDPOINT [REPLY-BYTES]. Prints "ready ENDPOINT" and runs until it is killed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { FRAMES_MAX = 8, NAME_BYTES_MAX = 256, REQUEST_BYTES_MAX = 65536 };

static void fail(const char *what) {
  fprintf(stderr, "zmq-echo: %s: %s\n", what, zmq_strerror(zmq_errno()));
  exit(69);
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "zmq-echo: usage: zmq-echo ENDPOINT [REPLY-BYTES]\n");
    return 64;
  }
  static const char head[] = "{\"success\":true,\"action\":\"get\",\"result\":\"";
  size_t size = argc == 3 ? strtoul(argv[2], NULL, 10) : 560;
  if (size < sizeof head + 2) size = sizeof head + 2;
  char *reply = malloc(size);
  if (!reply) return 69;
  memset(reply, 'x', size);
  memcpy(reply, head, sizeof head - 1);
  memcpy(reply + size - 2, "\"}", 2);

  void *context = zmq_ctx_new();
  void *socket = zmq_socket(context, ZMQ_ROUTER);
  if (!socket || zmq_bind(socket, argv[1]) != 0) fail(argv[1]);
  char endpoint[256];
  size_t length = sizeof endpoint;
  if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &length) != 0) fail("last endpoint");
  printf("ready %s\n", endpoint);
  fflush(stdout);

  static char names[FRAMES_MAX][NAME_BYTES_MAX];
  static char request[REQUEST_BYTES_MAX];
  for (;;) {
    int sizes[FRAMES_MAX];
    int frames = 0;
    for (;;) {
      int got = zmq_recv(socket, names[frames], NAME_BYTES_MAX, 0);
      if (got < 0 || got > NAME_BYTES_MAX) fail("receive");
      sizes[frames++] = got;
      if (got == 0) break;
      if (frames == FRAMES_MAX) fail("no empty frame");
    }
    if (zmq_recv(socket, request, REQUEST_BYTES_MAX, 0) < 0) fail("receive");
    for (int index = 0; index < frames; index++) zmq_send(socket, names[index], (size_t)sizes[index], ZMQ_SNDMORE);
    zmq_send(socket, reply, size, 0);
  }
}
