/// RapidJSON's event reader behind the C functions of JSONOracle.h.
#include "JSONOracle.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace {

struct Tokens {
  std::string bytes;
  size_t depth = 0;
  size_t deepest = 0;

  void sized(char kind, const char *text, size_t length) {
    bytes.push_back(kind);
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(char(length >> shift & 255));
    bytes.append(text, length);
  }
  bool plain(char kind) {
    bytes.push_back(kind);
    return true;
  }
  bool open(char kind) {
    depth += 1;
    deepest = std::max(deepest, depth);
    return plain(kind);
  }
  bool close(char kind) {
    depth -= 1;
    return plain(kind);
  }

  bool Null() { return plain('z'); }
  bool Bool(bool value) { return plain(value ? 't' : 'f'); }
  // Numbers come as text, by RawNumber.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }
  bool RawNumber(const char *text, rapidjson::SizeType length, bool) {
    sized('n', text, length);
    return true;
  }
  bool String(const char *text, rapidjson::SizeType length, bool) {
    sized('s', text, length);
    return true;
  }
  bool Key(const char *text, rapidjson::SizeType length, bool copy) { return String(text, length, copy); }
  bool StartObject() { return open('{'); }
  bool EndObject(rapidjson::SizeType) { return close('}'); }
  bool StartArray() { return open('['); }
  bool EndArray(rapidjson::SizeType) { return close(']'); }
};

}  // namespace

extern "C" json_oracle_verdict json_oracle_read(
    const void *text, size_t length, uint8_t **tokens, size_t *tokens_length, size_t *depth) {
  *tokens = nullptr;
  *tokens_length = 0;
  *depth = 0;
  // RapidJSON takes a zero byte for the end of the text; in JSON it can stand nowhere.
  if (length == 0 || std::memchr(text, 0, length) != nullptr) return json_oracle_invalid;
  Tokens found;
  rapidjson::MemoryStream stream(static_cast<const char *>(text), length);
  rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>> reader;
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                             rapidjson::kParseNumbersAsStringsFlag;
  const rapidjson::ParseResult result = reader.Parse<flags>(stream, found);
  if (result.Code() == rapidjson::kParseErrorNumberTooBig) return json_oracle_no_answer;
  if (result.IsError()) return json_oracle_invalid;
  *tokens = static_cast<uint8_t *>(std::malloc(found.bytes.size()));
  std::memcpy(*tokens, found.bytes.data(), found.bytes.size());
  *tokens_length = found.bytes.size();
  *depth = found.deepest;
  return json_oracle_valid;
}

extern "C" void json_oracle_free(uint8_t *tokens) { std::free(tokens); }
