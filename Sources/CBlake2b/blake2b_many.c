#include "blake2b_many.h"

#include <string.h>

static const uint64_t initial[8] = {
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
};
/* A hash of 32 bytes, without a key, not in a tree. */
static const uint64_t parameters = 0x01010020;
enum { block_bytes = 128 };

#if defined(__x86_64__)

#define LANES 8
#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq")))
#define VECTOR vector_8
#define LANE lane_8
#define COMPRESS compress_8
#define TRANSPOSE transpose_8
#define MANY many_8
#include "lanes.inc"
#undef LANES
#undef TARGET
#undef VECTOR
#undef LANE
#undef COMPRESS
#undef TRANSPOSE
#undef MANY

#define LANES 4
#define TARGET __attribute__((target("avx2")))
#define VECTOR vector_4
#define LANE lane_4
#define COMPRESS compress_4
#define TRANSPOSE transpose_4
#define MANY many_4
#include "lanes.inc"

int mfh_blake2b_lanes(void) {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq"))
    return 8;
  return __builtin_cpu_supports("avx2") ? 4 : 1;
}

void mfh_blake2b_many(int lanes, const uint8_t *bytes, const struct mfh_message *messages, size_t count, uint8_t *digests) {
  if (lanes == 8)
    many_8(bytes, messages, count, digests);
  else
    many_4(bytes, messages, count, digests);
}

#else

int mfh_blake2b_lanes(void) { return 1; }

void mfh_blake2b_many(int lanes, const uint8_t *bytes, const struct mfh_message *messages, size_t count, uint8_t *digests) {
  (void)lanes, (void)bytes, (void)messages, (void)count, (void)digests;
  __builtin_trap();
}

#endif
