/// How the events of a key link to earlier ones, so that an old version among a million is found with a few reads. See
/// docs/decisions/0020-skip-links.md.
internal import LogStore

/// What an event's record says of its place in the key's row of events.
package struct ChainLink: Equatable, Sendable {
  /// How many earlier events it knows of.
  var depth: UInt32 = 0
  /// An earlier event further back: for most, the newest head before; for a head, one of the heads before.
  var skip = Revision.none

  /// Every so many events there is a head.
  package static let stride: UInt32 = 16

  init() {}

  init(_ fields: RecordFields) {
    depth = fields.depth
    skip = fields.skipRevision
  }

  var isHead: Bool { depth % ChainLink.stride == 0 }

  /// Whether a head of this depth skips over the two skips before it, if no head of the row was ever missed. Told from the
  /// depth alone: `number` heads come before it, and the skips that lead back from the last of these are as long as the
  /// digits of `number` - 1 in skew-binary, the smallest first; equally long ones are one digit of 2.
  package static func skipsOverTwo(depth: UInt32) -> Bool {
    let number = depth / stride
    guard number > 0 else { return false }
    var rest = number - 1
    var weight = UInt32.max >> 8
    while weight > 0 {
      if rest >= weight {
        rest -= weight
        if rest == weight { return true }
        if rest == 0 { return false }
      } else {
        weight >>= 1
      }
    }
    return false
  }
}

/// An event whose depth is a multiple of the stride.
struct ChainHead: Equatable {
  var revision: Revision
  var link: ChainLink
}

/// The heads of keys that were written to lately, each with those that it leads to by one skip after the other: what the
/// next head of the key has to know. While they are under way they can not be read.
struct RecentHeads {
  private var chains: [KeyHash: [ChainHead]] = [:]
  private var order: [KeyHash] = []
  private var next = 0

  /// As many as there are recent versions; a chain of ten heads has 240 bytes.
  static let keysMax = 1 << 16

  /// The chain that begins with the head `revision`; nil when it is not known.
  func chain(_ key: KeyHash, from revision: Revision) -> [ChainHead]? {
    guard let chain = chains[key], chain.first?.revision == revision else { return nil }
    return chain
  }

  mutating func keep(_ chain: [ChainHead], of key: KeyHash) {
    guard chains.updateValue(chain, forKey: key) == nil else { return }
    if order.count < RecentHeads.keysMax {
      order.append(key)
    } else {
      chains.removeValue(forKey: order[next])
      order[next] = key
      next = (next + 1) % RecentHeads.keysMax
    }
  }
}
