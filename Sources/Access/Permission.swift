/// What a key may do, and under which names. Written `read,write:acme/`, or `read:*` for all names.
internal import Bytes

/// The kinds of operations. None includes another: who may write may not read, unless that is said too.
package struct Operations: OptionSet, Sendable, Hashable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let read = Operations(rawValue: 1)
  package static let write = Operations(rawValue: 2)
  /// What looks after the hub, and erases.
  package static let admin = Operations(rawValue: 4)
  package static let all: Operations = [.read, .write, .admin]

  private static let names: [(Operations, String)] = [(.read, "read"), (.write, "write"), (.admin, "admin")]

  init?(_ text: Substring) {
    var result: Operations = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      if word == "all" {
        result.formUnion(.all)
      } else if let known = Operations.names.first(where: { $0.1 == word }) {
        result.formUnion(known.0)
      } else {
        return nil
      }
    }
    self = result
  }

  package var text: String { Operations.names.filter { contains($0.0) }.map(\.1).joined(separator: ",") }
}

package struct Permission: Sendable, Hashable, CustomStringConvertible {
  package let operations: Operations
  /// The bytes that a name begins with; empty for all names.
  package let prefix: [UInt8]

  /// What a prefix ends with. Without an end of its own, a permission for `acme` would open `acme-corp/…` too.
  static let separators = Array("/:.#|".utf8)
  private static let prefixBytesMax = 1_024
  private static let everything = "*"

  /// - Throws: what is wrong with the text.
  package init(_ text: String) throws(AccessTextError) {
    guard let colon = text.firstIndex(of: ":"), let operations = Operations(text[..<colon]) else {
      throw AccessTextError(
        "a permission is written OPERATIONS:PREFIX, as in read,write:acme/ or read:* (operations: read, write, admin, "
          + "all)")
    }
    self.operations = operations
    let name = text[text.index(after: colon)...]
    prefix = name == Permission.everything ? [] : Array(name.utf8)
    guard name != Permission.everything else { return }
    guard let last = prefix.last, Permission.separators.contains(last) else {
      throw AccessTextError(
        "the prefix of a permission ends with / : . # or |, or is * for all names: without an end of its own it would "
          + "open other names that begin alike")
    }
    guard prefix.count <= Permission.prefixBytesMax, prefix[0] != 0x20,
      prefix.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
    else {
      throw AccessTextError(
        "the prefix of a permission has at most \(Permission.prefixBytesMax) bytes, no control characters, and does not "
          + "begin with a space")
    }
  }

  package init(all operations: Operations) {
    self.operations = operations
    prefix = []
  }

  package var description: String {
    operations.text + ":" + (prefix.isEmpty ? Permission.everything : String(decoding: prefix, as: UTF8.self))
  }

  /// Whether it opens the name for `operation`.
  package func opens(_ name: RawSpan, for operation: Operations) -> Bool {
    guard operations.isSuperset(of: operation) else { return false }
    return prefix.isEmpty || name.hasPrefix(prefix.span.bytes)
  }
}

/// What is wrong with a text that an operator wrote. One line.
package struct AccessTextError: Error, Equatable, Sendable, CustomStringConvertible {
  package let message: String

  package init(_ message: String) { self.message = message }

  package var description: String { message }
}
