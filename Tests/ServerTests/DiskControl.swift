/// A real store's directory on a disk that a test can hold up, or break.
import Bytes
import LogStore
import Threads

/// What the disk does when it is asked to make something durable.
final class DiskControl: Sendable {
  private struct State {
    var isHeld = false
    var isBroken = false
    var waiting = 0
  }

  private let state = Monitor(State())

  /// Every sync waits from now on.
  func hold() { state.with { $0.isHeld = true } }

  func letGo() { state.with(waking: true) { $0.isHeld = false } }

  /// Every sync fails from now on.
  func breakDown() { state.with(waking: true) { $0.isBroken = true } }

  /// Waits until a sync is held up.
  func waitUntilHeld() { _ = state.wait { $0.isHeld && $0.waiting > 0 ? true : nil } }

  func passSync() -> Bool {
    state.with(waking: true) { $0.waiting += 1 }
    let isBroken = state.wait { $0.isHeld ? nil : $0.isBroken }
    state.with { $0.waiting -= 1 }
    return !isBroken
  }
}

final class ControlledStorage: Storage {
  private let storage: PosixStorage
  private let disk: DiskControl

  init(_ path: String, _ disk: DiskControl) throws {
    storage = try PosixStorage(path: path, creating: true)
    self.disk = disk
  }

  func open(_ name: String, writable: Bool) throws(StorageError) -> any StorageFile {
    ControlledFile(try storage.open(name, writable: writable), name, disk)
  }

  func create(_ name: String) throws(StorageError) -> any StorageFile {
    ControlledFile(try storage.create(name), name, disk)
  }

  func list(_ directory: String) throws(StorageError) -> [String] { try storage.list(directory) }
  func makeDirectory(_ name: String) throws(StorageError) { try storage.makeDirectory(name) }
  func rename(_ name: String, to newName: String) throws(StorageError) { try storage.rename(name, to: newName) }
  func remove(_ name: String) throws(StorageError) { try storage.remove(name) }
  func syncDirectory(_ name: String) throws(StorageError) { try storage.syncDirectory(name) }
  func lock(_ name: String) throws(StorageError) -> any StorageLock { try storage.lock(name) }
}

private final class ControlledFile: StorageFile {
  private let file: any StorageFile
  private let name: String
  private let disk: DiskControl

  init(_ file: any StorageFile, _ name: String, _ disk: DiskControl) {
    self.file = file
    self.name = name
    self.disk = disk
  }

  func size() throws(StorageError) -> UInt64 { try file.size() }
  func read(at offset: UInt64, length: Int, into buffer: inout ByteBuffer) throws(StorageError) {
    try file.read(at: offset, length: length, into: &buffer)
  }
  func write(_ bytes: RawSpan, at offset: UInt64) throws(StorageError) { try file.write(bytes, at: offset) }
  func sync() throws(StorageError) {
    guard disk.passSync() else { throw StorageError(.sync, name, errno: 5) }
    try file.sync()
  }
}
