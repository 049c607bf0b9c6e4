/* How the C library's allocator keeps memory that was freed; Swift's Glibc module leaves it out. */
#include <malloc.h>

/* Blocks from so many bytes on are mapped one by one, and unmapped when they are freed: without this the threshold grows
   with the first large block that is freed, and what came to be by one bomb stays for good. */
static inline void mfh_map_blocks_from(int bytes) { mallopt(M_MMAP_THRESHOLD, bytes); }
/* Each arena keeps what was freed in it. */
static inline void mfh_limit_arenas(int count) { mallopt(M_ARENA_MAX, count); }
