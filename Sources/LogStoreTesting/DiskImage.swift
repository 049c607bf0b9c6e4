/// A whole disk as a value: files, names, and what of both would survive a power cut. A copy is a snapshot.

package struct DiskImage: Sendable {
  /// One change of a directory that is there or not there as a whole: a creation, a removal, both sides of a rename.
  private struct Change {
    let directory: String
    let names: [(name: String, file: Int?)]
    let sequence: UInt64
  }

  private static let directoryMark = 0
  private(set) var files: [Int: FileImage] = [:]
  /// By path. Directories have the mark in place of a file.
  private var cached: [String: Int] = [:]
  private var durable: [String: Int] = [:]
  private var pending: [Change] = []
  private var nextFile = 1
  private var sequence: UInt64 = 0

  package init() {}

  // MARK: Names

  package func file(_ path: String) -> Int? { cached[path].flatMap { $0 == DiskImage.directoryMark ? nil : $0 } }
  package func isDirectory(_ path: String) -> Bool { path.isEmpty || cached[path] == DiskImage.directoryMark }

  package func list(_ directory: String) -> [String] {
    cached.keys.filter { DiskImage.parent(of: $0) == directory }
      .map { directory.isEmpty ? $0 : String($0.dropFirst(directory.utf8.count + 1)) }.sorted()
  }

  /// All files' paths, in order.
  package var paths: [String] { cached.filter { $0.value != DiskImage.directoryMark }.keys.sorted() }

  private static func parent(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  private mutating func apply(_ directory: String, _ names: [(name: String, file: Int?)]) {
    sequence += 1
    for (name, file) in names { cached[name] = file }
    pending.append(Change(directory: directory, names: names, sequence: sequence))
  }

  package mutating func create(_ path: String) -> Int {
    let file = nextFile
    nextFile += 1
    files[file] = FileImage()
    apply(DiskImage.parent(of: path), [(path, file)])
    return file
  }

  package mutating func makeDirectory(_ path: String) {
    apply(DiskImage.parent(of: path), [(path, DiskImage.directoryMark)])
  }

  package mutating func rename(_ path: String, to newPath: String) {
    apply(DiskImage.parent(of: path), [(path, nil), (newPath, cached[path])])
  }

  package mutating func remove(_ path: String) { apply(DiskImage.parent(of: path), [(path, nil)]) }

  package mutating func syncDirectory(_ directory: String) {
    for change in pending where change.directory == directory { persist(change) }
    pending.removeAll { $0.directory == directory }
  }

  private mutating func persist(_ change: Change) {
    for (name, file) in change.names { durable[name] = file }
  }

  // MARK: Contents

  package mutating func write(_ file: Int, _ body: (inout FileImage, _ sequence: UInt64) -> Void) {
    sequence += 1
    body(&files[file, default: FileImage()], sequence)
  }

  // MARK: Power

  /// Takes the power away and gives it back: only what `mode` leaves is there.
  package mutating func losePower(_ mode: LossMode, unit: LossUnit = .page, seed: UInt64) {
    var random = SplitMix(seed: seed)
    let cut = UInt64.random(in: 0...sequence, using: &random)
    for change in pending where isKept(change, mode, cut, &random) { persist(change) }
    pending.removeAll()
    // What was in a directory that is not there is not there either.
    durable = durable.filter { entry in
      let parent = DiskImage.parent(of: entry.key)
      return parent.isEmpty || durable[parent] == DiskImage.directoryMark
    }
    cached = durable
    let named = Set(durable.values)
    files = files.filter { named.contains($0.key) }
    for file in files.keys.sorted() { files[file]?.lose(mode, unit: unit, cut: cut, &random) }
  }

  private func isKept(_ change: Change, _ mode: LossMode, _ cut: UInt64, _ random: inout SplitMix) -> Bool {
    switch mode {
    case .none, .metadataOnly: true
    case .all: false
    case .randomSubset: Bool.random(using: &random)
    case .reordered: change.sequence >= cut
    }
  }

  // MARK: Tampering: what a disk, or a person, does behind the store's back. All of it is durable at once.

  package func contents(_ path: String) -> [UInt8]? { file(path).flatMap { files[$0]?.cached } }

  package mutating func tamper(_ path: String, _ change: (inout [UInt8]) -> Void) {
    guard let file = file(path) else { preconditionFailure("\(path) is not there") }
    files[file]?.tamper(change)
  }

  package mutating func flip(_ path: String, bit: Int) {
    tamper(path) { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
  }

  /// Puts a file there, in place of what there was.
  package mutating func put(_ path: String, _ bytes: [UInt8]) {
    let file = nextFile
    nextFile += 1
    files[file] = FileImage(durable: bytes)
    cached[path] = file
    durable[path] = file
  }

  package mutating func putDirectory(_ path: String) {
    cached[path] = DiskImage.directoryMark
    durable[path] = DiskImage.directoryMark
  }

  package mutating func delete(_ path: String) {
    cached[path] = nil
    durable[path] = nil
  }

  package mutating func move(_ path: String, to newPath: String) {
    guard let bytes = contents(path) else { preconditionFailure("\(path) is not there") }
    delete(path)
    put(newPath, bytes)
  }

  package mutating func swap(_ path: String, _ other: String) {
    guard let bytes = contents(path), let others = contents(other) else { preconditionFailure("no such files") }
    put(path, others)
    put(other, bytes)
  }
}
