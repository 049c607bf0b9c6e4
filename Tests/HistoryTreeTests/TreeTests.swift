/// Roots and proofs of every small tree against the definition, and every small change of a proof.
import Bytes
import Testing

@testable import HistoryTree

@Suite struct TreeTests {
  static let sizeMax = 130
  static let leaves = (0..<sizeMax).map(NaiveTree.leaf)
  static let roots = (0...sizeMax).map { NaiveTree.root(leaves[..<$0]) }

  private static func root(_ run: Range<UInt64>) -> Digest {
    NaiveTree.root(leaves[Int(run.lowerBound)..<Int(run.upperBound)])
  }

  @Test("The frontier gives the root of every size that the definition gives")
  func frontier() {
    var frontier = Frontier()
    #expect(frontier.root == Self.roots[0])
    for size in 1...Self.sizeMax {
      frontier.append(Self.leaves[size - 1])
      #expect(frontier.root == Self.roots[size] && frontier.size == UInt64(size))
      #expect(Frontier(size: UInt64(size), roots: frontier.roots).root == Self.roots[size])
    }
  }

  @Test("Leaves that are known by the root of their subtree only give the same root")
  func subtrees() {
    for size in 0...Self.sizeMax {
      var frontier = Frontier()
      for subtree in TreeRange.subtrees(0..<UInt64(size)) {
        frontier.append(subtree: Self.root(subtree.leaves), level: subtree.level)
      }
      #expect(frontier.root == Self.roots[size])
    }
  }

  @Test("Leaves that are appended together give the tree of those that are appended one by one")
  func together() {
    for first in 0...Self.sizeMax {
      var frontier = Frontier()
      frontier.append(leaves: Self.leaves[..<first])
      #expect(frontier.size == UInt64(first) && frontier.root == Self.roots[first])
      for size in first...Self.sizeMax {
        var more = frontier
        more.append(leaves: Self.leaves[first..<size])
        #expect(more.root == Self.roots[size])
      }
    }
  }

  @Test("The root of any run of leaves comes from its perfect subtrees")
  func runs() {
    for size in 1...Self.sizeMax {
      let parts = TreeRange.inclusion(UInt64(size - 1), size: UInt64(size)) + [0..<UInt64(size)]
      for part in parts {
        #expect(TreeRange.root(of: part) { Self.root($0.leaves) } == Self.root(part))
      }
    }
  }

  @Test("Every leaf of every tree has the proof of the definition, and it is accepted")
  func inclusion() {
    for size in 1...Self.sizeMax {
      for leaf in 0..<size {
        let path = TreeRange.inclusion(UInt64(leaf), size: UInt64(size)).map(Self.root)
        #expect(path == NaiveTree.path(leaf, Self.leaves[..<size]))
        #expect(
          TreeProof.includes(
            Self.leaves[leaf], leaf: UInt64(leaf), size: UInt64(size), root: Self.roots[size], path: path))
      }
    }
  }

  @Test("Every pair of trees has the proof of the definition, and it is accepted")
  func consistency() {
    for size in 1...Self.sizeMax {
      for old in 1...size {
        let path = TreeRange.consistency(UInt64(old), size: UInt64(size)).map(Self.root)
        #expect(path == NaiveTree.subproof(old, Self.leaves[..<size], true))
        #expect(
          TreeProof.isConsistent(
            old: UInt64(old), oldRoot: Self.roots[old], size: UInt64(size), root: Self.roots[size], path: path))
      }
    }
  }

  // MARK: What must not pass

  /// Sizes around powers of two, and some between.
  static let someSizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 31, 33, 64, 65, 127, 130]

  @Test("A proof of inclusion with any bit flipped, a step more, less or elsewhere is refused")
  func mutatedInclusion() {
    for size in Self.someSizes {
      for leaf in 0..<size {
        let path = NaiveTree.path(leaf, Self.leaves[..<size])
        func holds(
          _ path: [Digest], _ hash: Digest = Self.leaves[leaf], _ place: Int = leaf, _ count: Int = size
        ) -> Bool {
          TreeProof.includes(
            hash, leaf: UInt64(place), size: UInt64(count), root: Self.roots[size], path: path)
        }
        #expect(holds(path))
        for changed in Self.mutations(path, allBits: size < 8) { #expect(!holds(changed)) }
        #expect(!holds(path, Self.flip(Self.leaves[leaf], leaf % 256)))
        for other in 0..<size where other != leaf { #expect(!holds(path, Self.leaves[leaf], other)) }
        #expect(!holds(path, Self.leaves[leaf], size))
        #expect(!TreeProof.includes(Self.leaves[leaf], leaf: 0, size: 0, root: Self.roots[size], path: path))
      }
    }
  }

  @Test("A proof of consistency with any bit flipped, a step more, less or elsewhere is refused")
  func mutatedConsistency() {
    for size in Self.someSizes {
      for old in 1...size {
        let path = NaiveTree.subproof(old, Self.leaves[..<size], true)
        func holds(_ path: [Digest], _ oldRoot: Digest = Self.roots[old], _ root: Digest = Self.roots[size]) -> Bool {
          TreeProof.isConsistent(old: UInt64(old), oldRoot: oldRoot, size: UInt64(size), root: root, path: path)
        }
        #expect(holds(path))
        for changed in Self.mutations(path, allBits: size < 8) { #expect(!holds(changed)) }
        #expect(!holds(path, Self.flip(Self.roots[old], 3)))
        #expect(!holds(path, Self.roots[old], Self.flip(Self.roots[size], 5)))
        #expect(!holds(path, Self.roots[old - 1]))
      }
    }
  }

  /// Trees that differ in one leaf, or in the order of two, or have one more or less, have other roots.
  @Test("No change of the leaves leaves the root as it was")
  func changedLeaves() {
    let size = 40
    let leaves = Array(Self.leaves[..<size])
    for place in 0..<size {
      var edited = leaves
      edited[place] = NaiveTree.leaf(1_000)
      var shorter = leaves
      shorter.remove(at: place)
      var longer = leaves
      longer.insert(leaves[place], at: place)
      var swapped = leaves
      swapped.swapAt(place, (place + 1) % size)
      for changed in [edited, shorter, longer, swapped] { #expect(NaiveTree.root(changed[...]) != Self.roots[size]) }
    }
  }

  static func flip(_ digest: Digest, _ bit: Int) -> Digest {
    var bytes = digest.array
    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    return Digest(bytes.span.bytes)
  }

  static func mutations(_ path: [Digest], allBits: Bool) -> [[Digest]] {
    var found = [path + [NaiveTree.leaf(7)], [NaiveTree.leaf(7)] + path]
    for place in path.indices {
      for bit in allBits ? Array(0..<256) : [place, 100, 255] {
        found.append(path)
        found[found.count - 1][place] = flip(path[place], bit)
      }
      found.append(path)
      found[found.count - 1].remove(at: place)
      found.append(path)
      found[found.count - 1].insert(path[place], at: place)
      for other in path.indices where other > place {
        found.append(path)
        found[found.count - 1].swapAt(place, other)
      }
    }
    return found
  }
}
