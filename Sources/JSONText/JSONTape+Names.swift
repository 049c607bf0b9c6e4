/// Refusing an object that has a name twice, also when the two are spelt with different escapes.
internal import Bytes

/// Memory for comparing names, kept between requests.
struct NameScratch: ~Copyable {
  var decoded = ByteBuffer(capacity: 256)
  var names: [Range<Int>] = []
}

extension JSONTape {
  private static let pairwiseMax = 12

  mutating func refuseDuplicateNames(_ object: Int, _ text: RawSpan) throws(JSONError) {
    let members = count(object)
    guard members > 1 else { return }
    if members <= JSONTape.pairwiseMax, !hasEscapedName(object, members) {
      try comparePairs(object, members, text)
    } else {
      try compareSorted(object, members, text)
    }
  }

  private func hasEscapedName(_ object: Int, _ members: Int) -> Bool {
    var name = object + 1
    for _ in 0..<members {
      if nodes[name].hasEscapes { return true }
      name = after(name + 1)
    }
    return false
  }

  private func comparePairs(_ object: Int, _ members: Int, _ text: RawSpan) throws(JSONError) {
    var name = object + 1
    for index in 0..<members {
      let mine = nodes[name].contents
      var other = object + 1
      for _ in 0..<index {
        let theirs = nodes[other].contents
        if theirs.count == mine.count, text.extracting(theirs).equals(text.extracting(mine)) {
          throw JSONError(.duplicateName, at: Int(nodes[name].start))
        }
        other = after(other + 1)
      }
      name = after(name + 1)
    }
  }

  /// Many names, or some with escapes: their values are sorted, and neighbours compared.
  private mutating func compareSorted(_ object: Int, _ members: Int, _ text: RawSpan) throws(JSONError) {
    nameScratch.decoded.removeAll(shrinkingAbove: 64 << 10)
    nameScratch.names.removeAll(keepingCapacity: true)
    var name = object + 1
    for _ in 0..<members {
      let start = nameScratch.decoded.count
      nodes[name].appendString(in: text, to: &nameScratch.decoded)
      nameScratch.names.append(start..<nameScratch.decoded.count)
      name = after(name + 1)
    }
    guard NameScratch.hasDuplicate(nameScratch.decoded, &nameScratch.names) else { return }
    throw JSONError(.duplicateName, at: Int(nodes[object].start))
  }
}

extension NameScratch {
  static func hasDuplicate(_ decoded: borrowing ByteBuffer, _ names: inout [Range<Int>]) -> Bool {
    let bytes = decoded.bytes
    names.sort { bytes.extracting($0).compare(bytes.extracting($1)) < 0 }
    for index in names.indices.dropFirst()
    where bytes.extracting(names[index]).equals(bytes.extracting(names[index - 1])) {
      return true
    }
    return false
  }
}
