#include <sodium.h>
#include <string.h>

// BLAKE2b-256 of two runs of bytes, as if they were one. The state is over-aligned, which only C can declare.
static inline void mfh_blake2b_256(void *out, const void *first, size_t first_bytes, const void *second,
                                   size_t second_bytes) {
  crypto_generichash_blake2b_state state;
  crypto_generichash_blake2b_init(&state, NULL, 0, 32);
  if (first_bytes > 0) crypto_generichash_blake2b_update(&state, first, first_bytes);
  if (second_bytes > 0) crypto_generichash_blake2b_update(&state, second, second_bytes);
  crypto_generichash_blake2b_final(&state, out, 32);
}

// BLAKE2b-256 of one byte and two digests.
static inline void mfh_blake2b_node(void *out, unsigned char domain, const void *left, const void *right) {
  unsigned char input[65];
  input[0] = domain;
  memcpy(input + 1, left, 32);
  memcpy(input + 33, right, 32);
  crypto_generichash_blake2b(out, 32, input, sizeof input, NULL, 0);
}
