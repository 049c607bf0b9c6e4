// How many bytes RocksDB with LZ4 takes for the items in a file: `key \0 item \n` each. It writes them in batches of a
// thousand, compacts everything, and prints the size of its tables. Built and run by scripts/bench-packing.
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <fstream>
#include <iostream>
#include <string>

int main(int argc, char **argv) {
  if (argc != 3) return 64;
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kLZ4Compression;
  rocksdb::DB *store = nullptr;
  if (auto status = rocksdb::DB::Open(options, argv[2], &store); !status.ok()) {
    std::cerr << status.ToString() << "\n";
    return 74;
  }
  std::ifstream items(argv[1], std::ios::binary);
  rocksdb::WriteBatch batch;
  for (std::string line; std::getline(items, line);) {
    const auto end = line.find('\0');
    batch.Put(line.substr(0, end), line.substr(end + 1));
    if (batch.Count() < 1000) continue;
    store->Write(rocksdb::WriteOptions(), &batch);
    batch.Clear();
  }
  store->Write(rocksdb::WriteOptions(), &batch);
  store->Flush(rocksdb::FlushOptions());
  rocksdb::CompactRangeOptions all;
  all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  store->CompactRange(all, nullptr, nullptr);
  uint64_t size = 0;
  store->GetIntProperty("rocksdb.total-sst-files-size", &size);
  std::cout << size << "\n";
  delete store;
  return 0;
}
