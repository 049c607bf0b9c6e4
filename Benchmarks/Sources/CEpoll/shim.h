/* Waiting on many descriptors, to the nanosecond; Swift's Glibc module leaves it out. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static inline int bench_epoll(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int bench_epoll_add(int epoll, int descriptor, uint32_t tag) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = tag}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

/* Writes the tags of at most `room` (up to 256) ready descriptors; `nanoseconds` below 0 waits for ever. */
static inline int bench_epoll_wait(int epoll, uint32_t *tags, int room, int64_t nanoseconds) {
  struct epoll_event events[256];
  struct timespec timeout = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  if (room > 256) room = 256;
  int ready = (int)syscall(SYS_epoll_pwait2, epoll, events, room, nanoseconds < 0 ? 0 : &timeout, 0, 8);
  if (ready < 0) return errno == EINTR ? 0 : -1;
  for (int index = 0; index < ready; index++) tags[index] = events[index].data.u32;
  return ready;
}

/* The kernel rounds waits by 50 us to save power; a schedule of requests needs them exact. */
static inline void bench_exact_timers(void) { prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0); }

static inline int64_t bench_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}
