/* What Swift's Glibc module leaves out. */
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline void mfh_name_this_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
/* This thread runs, and uses the disk, when others leave room: nice 19, the idle class of I/O (class 3 << 13). */
static inline void mfh_yield_to_others(void) {
  setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
  syscall(SYS_ioprio_set, 1, 0, 3 << 13);
}
static inline int mfh_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
