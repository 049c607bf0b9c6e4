/// Memory for nodes: large pieces, cut into blocks that are used again.
final class NodeArena {
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) private var pieces: [UnsafeMutableRawPointer] = []
  @exclusivity(unchecked) private var free: [NodeID] = []
  @exclusivity(unchecked) private var used: UInt32 = 1  // 0 stands for no node
  /// For rewriting a node; its contents mean nothing between calls.
  let scratch: Node

  private static let blocksPerPiece: UInt32 = 64
  private static let pieceBytes = Int(blocksPerPiece) * Node.blockBytes

  init() { scratch = Node(base: .allocate(byteCount: Node.blockBytes, alignment: 64)) }

  deinit {
    for piece in pieces { piece.deallocate() }
    scratch.base.deallocate()
  }

  var memoryBytes: Int { pieces.count * NodeArena.pieceBytes }

  func node(_ id: NodeID) -> Node {
    Node(
      base: pieces[Int(id.value / NodeArena.blocksPerPiece)]
        + Int(id.value % NodeArena.blocksPerPiece) * Node.blockBytes)
  }

  func allocate(level: Int) -> NodeID {
    let id: NodeID
    if let last = free.popLast() {
      id = last
    } else {
      id = NodeID(used)
      used += 1
      if Int(id.value / NodeArena.blocksPerPiece) >= pieces.count {
        pieces.append(.allocate(byteCount: NodeArena.pieceBytes, alignment: 64))
      }
    }
    node(id).reset(level: level)
    return id
  }

  func release(_ id: NodeID) { free.append(id) }
}
