// The entry of libFuzzer, which the compiler links when it is told -sanitize=fuzzer. It comes without a header.
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*body)(const uint8_t *, size_t));
