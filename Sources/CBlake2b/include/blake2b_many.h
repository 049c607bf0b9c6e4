/* BLAKE2b-256 (RFC 7693) of many messages at once, one in each lane of the processor's vectors. libsodium hashes one message
   after the other; the results are the same. */
#ifndef MFH_BLAKE2B_MANY_H
#define MFH_BLAKE2B_MANY_H

#include <stddef.h>
#include <stdint.h>

/* A message: so many bytes from there on. */
struct mfh_message {
  uint32_t start;
  uint32_t count;
};

/* How many messages this processor hashes at once: 8, 4, or 1 when it has no vectors that are wide enough. */
int mfh_blake2b_lanes(void);

/* Writes the 32 bytes of each message's hash to `digests`, in the order of the messages.

   lanes:    8 or 4, and at most mfh_blake2b_lanes().
   messages: `count` of them, all within `bytes`. */
void mfh_blake2b_many(int lanes, const uint8_t *bytes, const struct mfh_message *messages, size_t count, uint8_t *digests);

#endif
