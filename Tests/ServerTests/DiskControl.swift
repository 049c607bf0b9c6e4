/// A real store's directory on a disk that a test can hold up, or break.
import Bytes
import LogStore
import Threads

/// What the disk does when it is asked to make something durable.
final class DiskControl: Sendable {
  private struct State {
    var isHeld = false
    var isBroken = false
    var isFull = false
    /// Only files that are being made are held up.
    var holdsNewFilesOnly = false
    /// Reads of segments below this offset fail.
    var unreadableBytes: UInt64 = 0
    var waiting = 0
  }

  static let inputOutputError: Int32 = 5
  static let noSpace: Int32 = 28

  private let state = Monitor(State())

  /// Every sync waits from now on.
  func hold(newFilesOnly: Bool = false) {
    state.with {
      $0.isHeld = true
      $0.holdsNewFilesOnly = newFilesOnly
    }
  }

  /// There is no room for anything new from now on, or again.
  func setFull(_ isFull: Bool) { state.with { $0.isFull = isFull } }

  var isFull: Bool { state.with { $0.isFull } }

  /// Reads of the first bytes of every segment fail from now on.
  func loseBytes(below offset: UInt64) { state.with { $0.unreadableBytes = offset } }

  func canRead(_ name: String, at offset: UInt64) -> Bool {
    !name.hasPrefix("segments/") || offset >= state.with { $0.unreadableBytes }
  }

  func letGo() { state.with(waking: true) { $0.isHeld = false } }

  /// Every sync fails from now on.
  func breakDown() { state.with(waking: true) { $0.isBroken = true } }

  /// Waits until a sync is held up.
  func waitUntilHeld() { _ = state.wait { $0.isHeld && $0.waiting > 0 ? true : nil } }

  func passSync(_ name: String) -> Bool {
    state.with(waking: true) { $0.waiting += 1 }
    let isNew = name.hasSuffix(".tmp")
    let isBroken = state.wait { $0.isHeld && (isNew || !$0.holdsNewFilesOnly) ? nil : $0.isBroken }
    state.with { $0.waiting -= 1 }
    return !isBroken
  }
}

final class ControlledStorage: Storage {
  private let storage: PosixStorage
  private let disk: DiskControl
  /// Files that are being made, by the names that they have so far.
  private let unnamed = Monitor([String: ControlledFile]())

  init(_ path: String, _ disk: DiskControl) throws {
    storage = try PosixStorage(path: path, creating: true)
    self.disk = disk
  }

  func open(_ name: String, writable: Bool) throws(StorageError) -> any StorageFile {
    ControlledFile(try storage.open(name, writable: writable), name, disk)
  }

  func create(_ name: String) throws(StorageError) -> any StorageFile {
    guard !disk.isFull else { throw StorageError(.create, name, errno: DiskControl.noSpace) }
    let file = ControlledFile(try storage.create(name), name, disk)
    unnamed.with { $0[name] = file }
    return file
  }

  func list(_ directory: String) throws(StorageError) -> [String] { try storage.list(directory) }
  func makeDirectory(_ name: String) throws(StorageError) { try storage.makeDirectory(name) }

  func rename(_ name: String, to newName: String) throws(StorageError) {
    try storage.rename(name, to: newName)
    unnamed.with { $0.removeValue(forKey: name) }?.setName(newName)
  }

  func remove(_ name: String) throws(StorageError) {
    try storage.remove(name)
    _ = unnamed.with { $0.removeValue(forKey: name) }
  }

  func syncDirectory(_ name: String) throws(StorageError) { try storage.syncDirectory(name) }
  func lock(_ name: String) throws(StorageError) -> any StorageLock { try storage.lock(name) }
}

private final class ControlledFile: StorageFile {
  private let file: any StorageFile
  private let currentName: Monitor<String>
  private let disk: DiskControl

  init(_ file: any StorageFile, _ name: String, _ disk: DiskControl) {
    self.file = file
    currentName = Monitor(name)
    self.disk = disk
  }

  private var name: String { currentName.with { $0 } }

  func setName(_ name: String) { currentName.with { $0 = name } }

  func size() throws(StorageError) -> UInt64 { try file.size() }
  func read(at offset: UInt64, length: Int, into buffer: inout ByteBuffer) throws(StorageError) {
    guard disk.canRead(name, at: offset) else {
      throw StorageError(.read, name, errno: DiskControl.inputOutputError)
    }
    try file.read(at: offset, length: length, into: &buffer)
  }
  func write(_ bytes: RawSpan, at offset: UInt64) throws(StorageError) {
    if name.hasSuffix(".tmp"), disk.isFull { throw StorageError(.write, name, errno: DiskControl.noSpace) }
    try file.write(bytes, at: offset)
  }
  func sync() throws(StorageError) {
    guard disk.passSync(name) else { throw StorageError(.sync, name, errno: DiskControl.inputOutputError) }
    try file.sync()
  }
}
