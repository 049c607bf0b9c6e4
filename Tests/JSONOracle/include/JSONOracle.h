/// A JSON reader that this project did not write, RapidJSON, to compare ours with.
#ifndef JSON_ORACLE_H
#define JSON_ORACLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  json_oracle_valid = 0,
  json_oracle_invalid = 1,
  /// A number beyond what RapidJSON reads: it says nothing about this text.
  json_oracle_no_answer = 2
} json_oracle_verdict;

/// Reads `text` and gives what it holds as a list of tokens, in `*tokens` and `*tokens_length`; free it with
/// `json_oracle_free`. A token is `{ } [ ] t f z`, or `s` or `n` with a length (u32, little-endian) and that many
/// bytes: a string's value, a number's text. `*depth` is how deep the containers are nested.
json_oracle_verdict json_oracle_read(
    const void *text, size_t length, uint8_t **tokens, size_t *tokens_length, size_t *depth);

void json_oracle_free(uint8_t *tokens);

#ifdef __cplusplus
}
#endif

#endif
