/// The same log on a real file system, and what a real one can be made to do wrong without privileges.
import Bytes
import Foundation
import Glibc
import LogStore
import LogStoreTesting
import Testing

@Suite("On a real file system")
struct PosixStorageTests {
  private final class Scratch {
    let path = FileManager.default.temporaryDirectory.path + "/logstore-\(UUID().uuidString)"
    deinit { try? FileManager.default.removeItem(atPath: path) }
    func storage(creating: Bool = true) throws -> PosixStorage {
      try PosixStorage(path: path + "/a/b", creating: creating)
    }
  }

  @Test(
    "A store is written, closed, resumed, abandoned and recovered, with every record exact", arguments: [false, true])
  func wholeLife(_ usesThreads: Bool) throws {
    let scratch = Scratch()
    var options = Driver.smallOptions
    options.usesThreads = usesThreads
    let driver = Driver(try scratch.storage(), options: options)
    #expect(try driver.open().events == 0)
    for round in 1...4 {
      for commit in 0..<20 { try driver.commit(1 + commit % 3) }
      for index in driver.model.events.indices { #expect(try driver.read(index)) }
      if round % 2 == 0 { try driver.close() } else { driver.abandon() }
      let count = driver.model.events.count
      #expect(try driver.open() == Survey(events: count, epoch: 1))
      #expect(driver.log.recovery.kind == (round % 2 == 0 ? .resumed : .recovered))
    }
    try driver.close()
  }

  @Test("Row 24: a second opener is refused at once, by name; the lock ends with its holder, also when that is killed")
  func lock() throws {
    let scratch = Scratch()
    let driver = Driver(try scratch.storage())
    try driver.open()
    try driver.commit()
    let start = ContinuousClock.now
    for _ in 0..<50 {
      let other = try scratch.storage(creating: false)
      #expect { try RecordLog(other, options: Driver.smallOptions, now: 0) } throws: {
        ($0 as? LogError)?.code == .locked && ($0 as? LogError)?.message.contains("LOCK") == true
      }
    }
    // 50 refusals within the time that one may take.
    #expect(ContinuousClock.now - start < .seconds(5))
    let owner = try String(contentsOfFile: scratch.path + "/a/b/LOCK", encoding: .utf8)
    #expect(owner == "\(getpid())\n")
    // A child that was started meanwhile does not keep the lock.
    let child = try Process.run(URL(fileURLWithPath: "/bin/sleep"), arguments: ["60"])
    driver.abandon()
    #expect(try driver.open().events == 1)
    driver.abandon()
    kill(child.processIdentifier, SIGKILL)
    child.waitUntilExit()
    // Another process holds it, until it is killed.
    let holder = Process()
    holder.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
    holder.arguments = ["--no-fork", scratch.path + "/a/b/LOCK", "sleep", "60"]
    try holder.run()
    while (try? scratch.storage().lock(StoreNames.lock)) != nil { usleep(1_000) }
    #expect { try driver.open() } throws: { ($0 as? LogError)?.code == .locked }
    kill(holder.processIdentifier, SIGKILL)
    holder.waitUntilExit()
    #expect(try driver.open().events == 1)
  }

  @Test("Calls that fail say which, on what, and why")
  func errors() throws {
    let scratch = Scratch()
    #expect(throws: StorageError.self) { try scratch.storage(creating: false) }
    let storage = try scratch.storage()
    let missing = PosixText.missing
    func failure(_ body: () throws -> Void) -> StorageError? {
      do {
        try body()
        return nil
      } catch {
        return error as? StorageError
      }
    }
    #expect(failure { _ = try storage.open("x", writable: true) }.map { [$0.errno] } == [missing])
    #expect(failure { try storage.remove("x") }?.call == .remove)
    #expect(failure { try storage.rename("x", to: "y") }?.call == .rename)
    #expect(failure { _ = try storage.list("x") }?.call == .list)
    #expect(failure { try storage.syncDirectory("x") }?.call == .syncDirectory)
    #expect(failure { _ = try storage.lock("x/y") }?.call == .lock)
    #expect(failure { try storage.makeDirectory("x/y") }?.call == .makeDirectory)
    _ = try storage.create("x")
    #expect(failure { _ = try storage.create("x") }?.errno == PosixText.exists)
    try FileManager.default.createSymbolicLink(atPath: scratch.path + "/a/b/link", withDestinationPath: "x")
    #expect(failure { _ = try storage.open("link", writable: false) } != nil)
  }

  @Test("Row 19: a full device gives ENOSPC, row 16: memory that is not there EIO, row 18: a failed fsync is told")
  func realErrors() throws {
    let full = try PosixStorage(path: "/dev", creating: false).open("full", writable: true)
    let bytes = [UInt8](repeating: 1, count: 4_096)
    #expect { try full.write(bytes.span.bytes, at: 0) } throws: {
      ($0 as? StorageError)?.errno == PosixText.noSpace && ($0 as? StorageError)?.call == .write
    }
    // A device is nothing that could be synced.
    #expect { try full.sync() } throws: { ($0 as? StorageError)?.call == .sync }
    let memory = try PosixStorage(path: "/proc/self", creating: false).open("mem", writable: false)
    #expect {
      var buffer = ByteBuffer()
      try memory.read(at: 0, length: 16, into: &buffer)
    } throws: {
      ($0 as? StorageError)?.errno == PosixText.inputOutput && ($0 as? StorageError)?.call == .read
    }
  }

  @Test("A read gives fewer bytes only at the end of the file")
  func shortReads() throws {
    let scratch = Scratch()
    let file = try scratch.storage().create("x")
    let bytes = [UInt8](0..<100)
    try file.write(bytes.span.bytes, at: 0)
    for (offset, length, expected) in [(0, 100, 100), (50, 100, 50), (100, 10, 0), (500, 10, 0)] {
      var buffer = ByteBuffer()
      try file.read(at: UInt64(offset), length: length, into: &buffer)
      #expect(buffer.count == expected)
    }
    #expect(try file.size() == 100)
  }

  @Test("Rows 14, 21: a write that stops short at the file size limit, and too few files, give typed errors")
  func limits() async {
    await #expect(processExitsWith: .success) { try PosixStorageTests.meetLimits() }
  }

  private static func meetLimits() throws {
    let path = FileManager.default.temporaryDirectory.path + "/logstore-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let storage = try PosixStorage(path: path, creating: true)
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit(rlim_cur: 10_000, rlim_max: 10_000)
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    let file = try storage.create("x")
    try #require(errno { () throws(StorageError) in try write(16_384, to: file) } == EFBIG)
    try #require(try file.size() == 10_000)
    limit = rlimit(rlim_cur: 8, rlim_max: 8)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    var files: [any StorageFile] = []
    let number = errno { () throws(StorageError) in
      for number in 0..<20 { files.append(try storage.create("y\(number)")) }
    }
    try #require(number == EMFILE)
  }

  private static func write(_ length: Int, to file: any StorageFile) throws(StorageError) {
    let bytes = [UInt8](repeating: 1, count: length)
    try file.write(bytes.span.bytes, at: 0)
  }

  private static func errno(_ body: () throws(StorageError) -> Void) -> Int32? {
    do {
      try body()
      return nil
    } catch {
      return error.errno
    }
  }
}
