/// The lines that `mfh batch` reads.
internal import Bytes
internal import JSONText
internal import Programs

struct BatchOperation {
  /// From 1.
  let line: Int
  let json: String
  let isPut: Bool
  let key: String
  let ifRevision: UInt64?
}

enum BatchFile {
  /// - Throws: no input and the like; damaged, with the line, for what is no operation. What is in an item is the hub's
  ///   to judge.
  static func read(_ file: String) throws(Failure) -> [BatchOperation] {
    let name = name(of: file)
    var operations: [BatchOperation] = []
    var tape = JSONTape()
    let lines = try InputText.read(file: file).utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) {
      guard let text = String(line) else { preconditionFailure("a line of a text is text") }
      do {
        operations.append(try operation(text, line: index + 1, &tape))
      } catch {
        throw Failure(.damaged, "\(name), line \(index + 1): \(error.message)")
      }
    }
    guard !operations.isEmpty else { throw Failure(.damaged, "\(name): there are no operations in it") }
    return operations
  }

  private static func name(of file: String) -> String {
    file == InputText.standardInput ? "standard input" : file
  }

  /// The hub counts operations from 0, people count lines: "operation 3: …" becomes "FILE, line 5: …".
  static func located(_ failure: Failure, _ operations: [BatchOperation], in file: String) -> Failure {
    let start = "operation "
    guard failure.message.hasPrefix(start), let colon = failure.message.firstIndex(of: ":"),
      let index = Int(failure.message[..<colon].dropFirst(start.count)), operations.indices.contains(index)
    else { return failure }
    let line = operations[index].line
    return Failure(failure.status, "\(name(of: file)), line \(line)\(failure.message[colon...])")
  }

  private static func operation(
    _ text: String, line: Int, _ tape: inout JSONTape
  ) throws(Failure) -> BatchOperation {
    var bytes = ByteBuffer(capacity: text.utf8.count)
    bytes.append(text: text)
    do {
      try tape.parse(bytes.bytes)
    } catch {
      throw Failure(.damaged, "not JSON: \(error.text)")
    }
    guard tape.kind(JSONTape.root) == .object else { throw Failure(.damaged, "an operation is a JSON object") }
    let operation = tape.member("op", of: JSONTape.root, in: bytes.bytes)
    let isPut = operation.map { tape.isString($0, "put", in: bytes.bytes) } ?? false
    guard isPut || operation.map({ tape.isString($0, "delete", in: bytes.bytes) }) ?? false else {
      throw Failure(.damaged, "\"op\" must be \"put\" or \"delete\"")
    }
    guard let key = tape.member("key", of: JSONTape.root, in: bytes.bytes), tape.kind(key) == .string else {
      throw Failure(.damaged, "\"key\" must be a string")
    }
    var decoded = ByteBuffer(capacity: 256)
    tape.appendString(key, in: bytes.bytes, to: &decoded)
    let condition = tape.member("if_revision", of: JSONTape.root, in: bytes.bytes)
    return BatchOperation(
      line: line, json: text, isPut: isPut, key: decoded.bytes.text(),
      ifRevision: condition.flatMap { tape.unsignedInteger($0, in: bytes.bytes) })
  }
}
