/* What Swift's Glibc module leaves out. */
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

static inline void mfh_name_this_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
static inline int mfh_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
