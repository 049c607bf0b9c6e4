/// A file and a lock of a simulated disk, both dead once their process is.
internal import Bytes
internal import LogStore

final class SimulatedLock: StorageLock {
  private let disk: SimulatedDisk
  private let process: Int

  init(_ disk: SimulatedDisk, _ process: Int) {
    self.disk = disk
    self.process = process
  }

  deinit { disk.unlock(process) }
}

final class SimulatedFile: StorageFile {
  private let disk: SimulatedDisk
  private let file: Int
  let name: String
  let process: Int

  init(_ disk: SimulatedDisk, _ file: Int, _ name: String, _ process: Int) {
    self.disk = disk
    self.file = file
    self.name = name
    self.process = process
  }

  func size() throws(StorageError) -> UInt64 {
    try disk.onFile(.size, self) { UInt64($0.files[file]?.cached.count ?? 0) }
  }

  func read(at offset: UInt64, length: Int, into buffer: inout ByteBuffer) throws(StorageError) {
    let found = try disk.onFile(.read, self) { image -> ArraySlice<UInt8> in
      let bytes = image.files[file]?.cached ?? []
      let start = min(Int(offset), bytes.count)
      return bytes[start..<min(start + length, bytes.count)]
    }
    buffer.append(found.span.bytes)
  }

  func write(_ bytes: RawSpan, at offset: UInt64) throws(StorageError) {
    try disk.onFile(
      .write, self,
      partly: { image, random in
        // A write that fails may have written some of it.
        let length = Int.random(in: 0...bytes.byteCount, using: &random)
        guard length > 0 else { return }
        image.write(file) { $0.write(bytes.extracting(0..<length), at: Int(offset), sequence: $1) }
      },
      { image in image.write(file) { $0.write(bytes, at: Int(offset), sequence: $1) } })
  }

  func sync() throws(StorageError) {
    try disk.onFile(.sync, self, partly: { image, _ in image.write(self.file) { file, _ in file.failSync() } }) {
      $0.write(file) { file, _ in file.sync() }
    }
  }
}
