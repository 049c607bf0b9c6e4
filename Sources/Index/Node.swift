/// The bytes of one node: a block of fixed size with slots growing up and entries growing down.
///
/// ```
/// header | slot 0 | slot 1 | … → free ← … | entry | entry | prefix
/// ```
/// A slot is the entry's offset and the first two bytes of its suffix, big-endian, so that most comparisons of a search
/// touch the slots alone. An entry is the value (16 bytes), the suffix's length (2) and the suffix: the key without the
/// prefix that all keys of the node share. This is the one file of the module with unsafe code.
internal import Bytes

struct Node {
  let base: UnsafeMutableRawPointer

  /// Enough for three entries with the longest key, so that every split succeeds.
  static let blockBytes = 4_096

  private enum Field {
    static let count = 0
    static let heapStart = count + 2
    static let garbage = heapStart + 2
    static let prefixBytes = garbage + 2
    static let previous = prefixBytes + 2
    static let next = previous + 4
    static let firstChild = next + 4
    static let level = firstChild + 4
    static let slots = level + 4
  }

  private static let slotBytes = 4
  private static let entryHeaderBytes = 18

  private func u16(_ offset: Int) -> Int { Int(base.load(fromByteOffset: offset, as: UInt16.self)) }
  private func set16(_ offset: Int, _ value: Int) {
    base.storeBytes(of: UInt16(truncatingIfNeeded: value), toByteOffset: offset, as: UInt16.self)
  }
  private func u32(_ offset: Int) -> UInt32 { base.load(fromByteOffset: offset, as: UInt32.self) }
  private func set32(_ offset: Int, _ value: UInt32) {
    base.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
  }

  func reset(level: Int) {
    base.initializeMemory(as: UInt8.self, repeating: 0, count: Field.slots)
    set16(Field.heapStart, Node.blockBytes)
    set32(Field.level, UInt32(level))
  }

  // MARK: Header

  var count: Int { u16(Field.count) }
  /// 0 for a leaf.
  var level: Int { Int(u32(Field.level)) }
  var isLeaf: Bool { level == 0 }
  var prefixBytes: Int { u16(Field.prefixBytes) }

  var previous: NodeID {
    get { NodeID(u32(Field.previous)) }
    nonmutating set { set32(Field.previous, newValue.value) }
  }
  var next: NodeID {
    get { NodeID(u32(Field.next)) }
    nonmutating set { set32(Field.next, newValue.value) }
  }
  /// The child for keys below the first separator. Inner nodes only.
  var firstChild: NodeID {
    get { NodeID(u32(Field.firstChild)) }
    nonmutating set { set32(Field.firstChild, newValue.value) }
  }

  /// Where the last key was inserted. Leaves only, which have no children: it takes the place of the first one.
  private var lastInsert: Int {
    get { Int(u32(Field.firstChild)) }
    nonmutating set { set32(Field.firstChild, UInt32(newValue)) }
  }

  /// Whether a key that belongs at `index` of this leaf goes on a run of ascending ones.
  func goesOnRun(at index: Int) -> Bool { index > 0 && index == lastInsert + 1 }

  private var heapStart: Int { u16(Field.heapStart) }
  private var garbage: Int { u16(Field.garbage) }
  /// Free bytes, counting those that compaction would win back.
  var freeBytes: Int { heapStart - Field.slots - count * Node.slotBytes + garbage }
  /// Bytes in use behind the header.
  var usedBytes: Int { Node.capacity - freeBytes }
  static let capacity = blockBytes - Field.slots

  /// Bytes that a key takes whose suffix has this many bytes.
  static func entryBytes(suffix: Int) -> Int { slotBytes + entryHeaderBytes + suffix }

  // MARK: Entries

  private func entry(_ index: Int) -> UnsafeMutableRawPointer {
    base + u16(Field.slots + index * Node.slotBytes)
  }

  private func head(_ index: Int) -> UInt16 {
    base.load(fromByteOffset: Field.slots + index * Node.slotBytes + 2, as: UInt16.self)
  }

  func value(_ index: Int) -> IndexValue { entry(index).loadUnaligned(as: IndexValue.self) }

  func setValue(_ index: Int, _ value: IndexValue) { entry(index).storeBytes(of: value, as: IndexValue.self) }

  /// The child right of separator `index`; -1 is the first child.
  func child(_ index: Int) -> NodeID {
    index < 0 ? firstChild : NodeID(UInt32(truncatingIfNeeded: value(index).low))
  }

  func suffixBytes(_ index: Int) -> Int { Int(entry(index).loadUnaligned(fromByteOffset: 16, as: UInt16.self)) }
  func keyBytes(_ index: Int) -> Int { prefixBytes + suffixBytes(index) }

  private var prefix: UnsafeRawPointer { UnsafeRawPointer(base + Node.blockBytes - prefixBytes) }

  /// Appends the node's shared prefix.
  func appendPrefix(to buffer: inout ByteBuffer) { Node.append(prefix, prefixBytes, to: &buffer) }

  /// Appends the key without the prefix.
  func appendSuffix(_ index: Int, to buffer: inout ByteBuffer) {
    Node.append(entry(index) + Node.entryHeaderBytes, suffixBytes(index), to: &buffer)
  }

  func appendKey(_ index: Int, to buffer: inout ByteBuffer) {
    appendPrefix(to: &buffer)
    appendSuffix(index, to: &buffer)
  }

  private static func append(_ bytes: UnsafeRawPointer, _ count: Int, to buffer: inout ByteBuffer) {
    buffer.append(room: count) { room in
      if count > 0 { room.baseAddress!.copyMemory(from: bytes, byteCount: count) }
      return count
    }
  }

  // MARK: Searching

  /// The first entry whose key is not below `key`, and whether it is that key.
  func search(_ key: RawSpan) -> (index: Int, found: Bool) {
    key.withUnsafeBytes { key in
      guard let start = key.baseAddress else { return (0, false) }
      let shared = prefixBytes
      let order = memcmpBytes(start, prefix, min(shared, key.count))
      if order < 0 || order == 0 && key.count < shared { return (0, false) }
      if order > 0 { return (count, false) }
      return search(suffix: start + shared, key.count - shared)
    }
  }

  private func search(suffix: UnsafeRawPointer, _ length: Int) -> (index: Int, found: Bool) {
    let wanted = Node.head(of: suffix, length)
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) >> 1
      let found = head(middle)
      let order = found == wanted ? compare(middle, suffix, length) : found < wanted ? -1 : 1
      if order == 0 { return (middle, true) }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return (low, false)
  }

  private func compare(_ index: Int, _ suffix: UnsafeRawPointer, _ length: Int) -> Int {
    let entry = entry(index)
    let mine = Int(entry.loadUnaligned(fromByteOffset: 16, as: UInt16.self))
    let common = memcmpBytes(entry + Node.entryHeaderBytes, suffix, min(mine, length))
    return common != 0 ? common : mine - length
  }

  /// The first two bytes as a number that orders as they do; a missing byte counts as 0, and `compare` decides.
  private static func head(of suffix: UnsafeRawPointer, _ length: Int) -> UInt16 {
    if length >= 2 { return suffix.loadUnaligned(as: UInt16.self).bigEndian }
    return length == 1 ? UInt16(suffix.load(as: UInt8.self)) << 8 : 0
  }

  /// How many bytes of the node's prefix `key` begins with.
  func sharedPrefix(with key: RawSpan) -> Int {
    key.withUnsafeBytes { Node.commonBytes($0.baseAddress, $0.count, prefix, prefixBytes) }
  }

  static func commonBytes(
    _ left: UnsafeRawPointer?, _ leftCount: Int, _ right: UnsafeRawPointer?, _ rightCount: Int
  ) -> Int {
    guard let left, let right else { return 0 }
    let limit = min(leftCount, rightCount)
    var count = 0
    while count < limit,
      left.load(fromByteOffset: count, as: UInt8.self) == right.load(fromByteOffset: count, as: UInt8.self)
    { count += 1 }
    return count
  }

  // MARK: Changing

  /// Inserts a key, whose prefix is the node's, at `index`. There must be room.
  func insert(_ key: RawSpan, _ value: IndexValue, at index: Int, scratch: Node) {
    key.withUnsafeBytes { key in
      let suffix = UnsafeRawBufferPointer(rebasing: key[prefixBytes...])
      let needed = Node.entryBytes(suffix: suffix.count)
      precondition(needed <= freeBytes, "insert into a full node")
      if needed > freeBytes - garbage { compact(scratch) }
      let slots = base + Field.slots
      let moved = (count - index) * Node.slotBytes
      (slots + (index + 1) * Node.slotBytes).copyMemory(from: slots + index * Node.slotBytes, byteCount: moved)
      writeEntry(suffix, value, at: index)
      set16(Field.count, count + 1)
      if isLeaf { lastInsert = index }
    }
  }

  private func writeEntry(_ suffix: UnsafeRawBufferPointer, _ value: IndexValue, at index: Int) {
    let offset = heapStart - Node.entryHeaderBytes - suffix.count
    let entry = base + offset
    entry.storeBytes(of: value, as: IndexValue.self)
    entry.storeBytes(of: UInt16(suffix.count), toByteOffset: 16, as: UInt16.self)
    if let start = suffix.baseAddress, suffix.count > 0 {
      (entry + Node.entryHeaderBytes).copyMemory(from: start, byteCount: suffix.count)
    }
    set16(Field.heapStart, offset)
    let slot = Field.slots + index * Node.slotBytes
    set16(slot, offset)
    let head = suffix.count > 0 ? Node.head(of: suffix.baseAddress!, suffix.count) : 0
    base.storeBytes(of: head, toByteOffset: slot + 2, as: UInt16.self)
  }

  func remove(at index: Int) {
    set16(Field.garbage, garbage + Node.entryHeaderBytes + suffixBytes(index))
    let slots = base + Field.slots
    let moved = (count - index - 1) * Node.slotBytes
    (slots + index * Node.slotBytes).copyMemory(from: slots + (index + 1) * Node.slotBytes, byteCount: moved)
    set16(Field.count, count - 1)
  }

  /// Writes all entries anew without the holes between them.
  func compact(_ scratch: Node) {
    scratch.copy(from: self)
    beginRebuild(like: scratch)
    set16(Field.prefixBytes, scratch.prefixBytes)
    set16(Field.heapStart, Node.blockBytes - scratch.prefixBytes)
    appendEntries(of: scratch, 0..<scratch.count, dropping: 0)
  }

  func copy(from other: Node) { base.copyMemory(from: other.base, byteCount: Node.blockBytes) }

  /// Empties the node but keeps its links and level.
  func beginRebuild(like other: Node) {
    let (level, previous, next, firstChild) = (other.level, other.previous, other.next, other.firstChild)
    reset(level: level)
    self.previous = previous
    self.next = next
    self.firstChild = firstChild
  }

  /// Sets the prefix of an empty node.
  func setPrefix(_ bytes: RawSpan) {
    precondition(count == 0, "a prefix is set before the first entry")
    bytes.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress {
        (base + Node.blockBytes - bytes.count).copyMemory(from: start, byteCount: bytes.count)
      }
      set16(Field.prefixBytes, bytes.count)
      set16(Field.heapStart, Node.blockBytes - bytes.count)
    }
  }

  /// Appends entries of another node with the same prefix, `dropping` the first bytes of their suffixes.
  private func appendEntries(of other: Node, _ range: Range<Int>, dropping: Int) {
    for index in range {
      let entry = other.entry(index)
      let suffix = UnsafeRawBufferPointer(
        start: entry + Node.entryHeaderBytes + dropping, count: other.suffixBytes(index) - dropping)
      writeEntry(suffix, other.value(index), at: count)
      set16(Field.count, count + 1)
    }
  }

  /// Replaces the contents by `range` of `source`, another node of the same kind, under a prefix of `prefixBytes`
  /// bytes, which all those keys share. Links stay.
  func rebuild(from source: Node, _ range: Range<Int>, prefixBytes wanted: Int) {
    var prefix = ByteBuffer(capacity: wanted + 16)
    if wanted > 0 {
      source.appendKey(range.lowerBound, to: &prefix)
      prefix.truncate(to: wanted)
    }
    beginRebuild(like: self)
    setPrefix(prefix.bytes)
    if wanted >= source.prefixBytes {
      appendEntries(of: source, range, dropping: wanted - source.prefixBytes)
      return
    }
    var key = ByteBuffer(capacity: 1_100)
    for index in range {
      key.removeAll()
      source.appendKey(index, to: &key)
      append(key.bytes, source.value(index))
    }
  }

  /// Appends a key behind all others. It begins with the node's prefix.
  func append(_ key: RawSpan, _ value: IndexValue) {
    key.withUnsafeBytes { key in
      writeEntry(UnsafeRawBufferPointer(rebasing: key[prefixBytes...]), value, at: count)
      set16(Field.count, count + 1)
    }
  }

  /// How many bytes the first and the last key of `range`, and so all between them, have in common.
  func commonPrefix(of range: Range<Int>) -> Int {
    guard let first = range.first, let last = range.last else { return 0 }
    let (left, right) = (entry(first), entry(last))
    return prefixBytes
      + Node.commonBytes(
        left + Node.entryHeaderBytes, suffixBytes(first), right + Node.entryHeaderBytes, suffixBytes(last))
  }

  /// The bytes that a rebuild of `range` with a prefix of `prefixBytes` takes.
  func bytes(of range: Range<Int>, prefixBytes wanted: Int) -> Int {
    range.reduce(wanted) { $0 + Node.entryBytes(suffix: keyBytes($1) - wanted) }
  }
}

/// A node's number in its arena; 0 is none.
struct NodeID: Equatable {
  var value: UInt32
  init(_ value: UInt32) { self.value = value }
  static let none = NodeID(0)
  var isNone: Bool { value == 0 }
}
