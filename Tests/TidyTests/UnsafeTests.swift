/// Unsafe pointers only where they are meant to be: `LogStore/Format`, `LogStore/Storage`, the C wrappers, and the
/// places listed here, each with its reason.
import Testing

@Suite struct UnsafeTests {
  /// Where the style allows them: two folders of the log, and what wraps C.
  static let folders = ["Sources/LogStore/Format/", "Sources/LogStore/Storage/", "Sources/ZeroMQ/", "Sources/Threads/"]

  static let exceptions: [String: String] = [
    "Sources/Bytes/ByteBuffer.swift": "the one owner of raw memory; everybody else sees it as a RawSpan",
    "Sources/Bytes/RawSpan+Bytes.swift": "loads and compares what RawSpan has no safe call for",
    "Sources/Bytes/Platform.swift": "memcmp",
    "Sources/GRPCEdge/ProtoCoding.swift": "gRPC and protobuf hand each other bytes through closures over raw memory",
    "Sources/HistoryTree/Messages.swift": "hands bytes to the hash function in C, and takes the digests",
    "Sources/HistoryTree/Sodium.swift": "hands bytes to libsodium",
    "Sources/Index/Node.swift": "a node is a block of bytes with a layout of its own; bounds are its invariants",
    "Sources/Index/NodeArena.swift": "owns the memory of the nodes",
    "Sources/Server/ServiceManager/NotifySocket.swift": "fills the address of a socket in the file system",
    "Sources/Tools/ToolSupport/Output.swift": "hands a buffer to write(2)",
  ]

  static let words = ["unsafe ", "unsafeLoad", "unsafeBitCast", "Unsafe", "Unmanaged", "OpaquePointer"]

  static func unsafeLine(_ file: TextFile) -> Int? {
    file.code.firstIndex { line in words.contains { line.contains($0) } }.map { $0 + 1 }
  }

  @Test("Unsafe code stands only where the style allows it or the list gives a reason")
  func places() {
    let wrong = SourceTree.sources.filter { file in
      !Self.folders.contains { file.path.hasPrefix($0) } && Self.exceptions[file.path] == nil
    }.compactMap { file in Self.unsafeLine(file).map { "\(file.path):\($0)" } }
    #expect(wrong == [])
  }

  @Test("The list of exceptions names no file that has become safe, or is gone")
  func theListIsTrue() {
    let unsafe = Set(SourceTree.sources.filter { Self.unsafeLine($0) != nil }.map(\.path))
    #expect(Set(Self.exceptions.keys).subtracting(unsafe).sorted() == [])
  }
}
