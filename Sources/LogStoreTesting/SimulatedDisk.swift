/// A disk in memory that can do everything that a disk can do wrong, at the call that a test names, again and again the
/// same from one seed.
package import LogStore
internal import Threads

package final class SimulatedDisk: Storage {
  private struct State {
    var image: DiskImage
    var faults = FaultPlan()
    var random: SplitMix
    var calls = 0
    /// Files and locks of an earlier process are dead.
    var process = 0
    var isStopped = false
    var isLocked = false
    var observer: (@Sendable (_ call: Int) -> Void)?
  }

  private let state: Monitor<State>

  package init(_ image: DiskImage = DiskImage(), seed: UInt64 = 1) {
    state = Monitor(State(image: image, random: SplitMix(seed: seed)))
  }

  // MARK: What a test does with it

  /// A snapshot. Setting it changes the disk behind the process's back.
  package var image: DiskImage {
    get { state.with { $0.image } }
    set { state.with { $0.image = newValue } }
  }

  /// How many calls there were, those that failed included.
  package var calls: Int { state.with { $0.calls } }

  package var faults: FaultPlan {
    get { state.with { $0.faults } }
    set { state.with { $0.faults = newValue } }
  }

  /// Calls `observer` before each call, with its number from 1: what it sees is what a death at that call leaves.
  package func observe(_ observer: (@Sendable (_ call: Int) -> Void)?) { state.with { $0.observer = observer } }

  /// Whether the process has died.
  package var isStopped: Bool { state.with { $0.isStopped } }

  /// The process is gone, with its locks, and another one may begin. Faults end, unless they are kept.
  package func restart(keepingFaults: Bool = false) {
    state.with {
      $0.process += 1
      $0.isStopped = false
      $0.isLocked = false
      if !keepingFaults { $0.faults = FaultPlan() }
    }
  }

  /// The power is cut, and comes back.
  package func losePower(_ mode: LossMode, unit: LossUnit = .page, seed: UInt64) {
    restart()
    state.with { $0.image.losePower(mode, unit: unit, seed: seed) }
  }

  // MARK: What the store does with it

  /// One call: counts it, makes it go wrong if it shall, else does it. `partly` is what a failing call has done.
  private func perform<Result>(
    _ call: StorageError.Call, _ name: String, process: Int? = nil,
    partly: (inout DiskImage, inout SplitMix) -> Void = { _, _ in },
    _ body: (inout DiskImage) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    if let observer = state.with({ $0.observer }) { observer(calls + 1) }
    let outcome = state.with { state -> Swift.Result<Result, StorageError> in
      state.calls += 1
      guard !state.isStopped, process == nil || process == state.process else {
        return .failure(StorageError(call, name, errno: PosixText.inputOutput))
      }
      switch state.faults.next(call, name) {
      case .fail(let number):
        partly(&state.image, &state.random)
        return .failure(StorageError(call, name, errno: number))
      case .stop:
        state.isStopped = true
        partly(&state.image, &state.random)
        return .failure(StorageError(call, name, errno: PosixText.inputOutput))
      case nil:
        return Swift.Result { () throws(StorageError) in try body(&state.image) }
      }
    }
    return try outcome.get()
  }

  private var process: Int { state.with { $0.process } }

  package func open(_ name: String, writable: Bool) throws(StorageError) -> any StorageFile {
    let process = process
    return try perform(.open, name) { (image) throws(StorageError) in
      guard let file = image.file(name) else { throw StorageError(.open, name, errno: PosixText.missing) }
      return SimulatedFile(self, file, name, process)
    }
  }

  package func create(_ name: String) throws(StorageError) -> any StorageFile {
    let process = process
    return try perform(.create, name) { (image) throws(StorageError) in
      guard image.file(name) == nil else { throw StorageError(.create, name, errno: PosixText.exists) }
      return SimulatedFile(self, image.create(name), name, process)
    }
  }

  package func list(_ directory: String) throws(StorageError) -> [String] {
    let names = try perform(.list, directory) { (image) throws(StorageError) -> [String] in
      guard image.isDirectory(directory) else { throw StorageError(.list, directory, errno: PosixText.missing) }
      return image.list(directory)
    }
    // The order of a directory means nothing.
    return state.with { names.shuffled(using: &$0.random) }
  }

  package func makeDirectory(_ name: String) throws(StorageError) {
    try perform(.makeDirectory, name) { (image) throws(StorageError) in
      if !image.isDirectory(name) { image.makeDirectory(name) }
    }
  }

  package func rename(_ name: String, to newName: String) throws(StorageError) {
    try perform(.rename, name) { (image) throws(StorageError) in
      guard image.file(name) != nil else { throw StorageError(.rename, name, errno: PosixText.missing) }
      image.rename(name, to: newName)
    }
  }

  package func remove(_ name: String) throws(StorageError) {
    try perform(.remove, name) { (image) throws(StorageError) in
      guard image.file(name) != nil else { throw StorageError(.remove, name, errno: PosixText.missing) }
      image.remove(name)
    }
  }

  package func syncDirectory(_ name: String) throws(StorageError) {
    try perform(.syncDirectory, name) { (image) throws(StorageError) in image.syncDirectory(name) }
  }

  package func lock(_ name: String) throws(StorageError) -> any StorageLock {
    try perform(.lock, name) { (image) throws(StorageError) in
      if image.file(name) == nil { _ = image.create(name) }
    }
    let process = state.with { state -> Int? in
      guard !state.isLocked else { return nil }
      state.isLocked = true
      return state.process
    }
    guard let process else { throw StorageError(.lock, name, errno: PosixText.wouldBlock) }
    return SimulatedLock(self, process)
  }

  func unlock(_ process: Int) {
    state.with { if $0.process == process { $0.isLocked = false } }
  }

  func onFile<Result>(
    _ call: StorageError.Call, _ file: SimulatedFile,
    partly: (inout DiskImage, inout SplitMix) -> Void = { _, _ in }, _ body: (inout DiskImage) -> Result
  ) throws(StorageError) -> Result {
    try perform(call, file.name, process: file.process, partly: partly) { (image) throws(StorageError) in body(&image) }
  }
}
