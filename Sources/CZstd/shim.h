// For ZSTD_createDDict_byReference, which is not promised to stay: all of it is in Format/Zstd.swift.
#define ZSTD_STATIC_LINKING_ONLY
#include <zdict.h>
#include <zstd.h>
