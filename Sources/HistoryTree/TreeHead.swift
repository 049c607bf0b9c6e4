/// A head: what the whole log was at one moment, in a few lines that fit anywhere and that a key signs.
/// The text is a checkpoint in a signed note: https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note.

/// Since when the leaves were followed as they came. Those that were there already were taken as they were found.
package struct TreeBeginning: Equatable, Sendable {
  /// Microseconds since 1970.
  package var time: Int64
  package var leaves: UInt64

  package init(time: Int64, leaves: UInt64) {
    self.time = time
    self.leaves = leaves
  }
}

package struct TreeHead: Equatable, Sendable {
  /// The lineage of the log, as a UUID.
  package var lineage: String
  package var size: UInt64
  package var root: Digest
  /// Those of the log behind its last leaf.
  package var epoch: UInt64
  package var revision: UInt64
  /// When the head was made, in microseconds since 1970.
  package var time: Int64
  package var beginning: TreeBeginning

  package init(
    lineage: String, size: UInt64, root: Digest, epoch: UInt64, revision: UInt64, time: Int64,
    beginning: TreeBeginning
  ) {
    self.lineage = lineage
    self.size = size
    self.root = root
    self.epoch = epoch
    self.revision = revision
    self.time = time
    self.beginning = beginning
  }

  static let origin = "memory-fusion-hub/"
  static let lineageBytes = 36

  /// The lines that are signed.
  package var text: String {
    """
    \(TreeHead.origin)\(lineage)
    \(size)
    \(root.base64)
    epoch \(epoch)
    revision \(revision)
    time \(time)
    began \(beginning.time) \(beginning.leaves)

    """
  }

  /// A head from exactly the lines that `text` writes; nil for anything else.
  package init?(text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard lines.count == 8, lines[7].isEmpty, lines[0].hasPrefix(TreeHead.origin),
      let size = UInt64(lines[1]), let root = Digest(base64: lines[2]),
      let epoch = UInt64(value(lines[3], "epoch ")), let revision = UInt64(value(lines[4], "revision ")),
      let time = Int64(value(lines[5], "time "))
    else { return nil }
    let began = value(lines[6], "began ").split(separator: " ", omittingEmptySubsequences: false)
    guard began.count == 2, let beganAt = Int64(began[0]), let leaves = UInt64(began[1]) else { return nil }
    self.init(
      lineage: String(lines[0].dropFirst(TreeHead.origin.count)), size: size, root: root, epoch: epoch,
      revision: revision, time: time, beginning: TreeBeginning(time: beganAt, leaves: leaves))
    // "+1" and "01" are numbers too: one head has one text.
    guard lineage.utf8.count == TreeHead.lineageBytes, self.text == text else { return nil }
  }
}

private func value(_ line: String, _ name: String) -> String {
  line.hasPrefix(name) ? String(line.dropFirst(name.count)) : ""
}

/// A head with its signature, or without one.
package struct SignedHead: Equatable, Sendable {
  package let head: TreeHead
  package let signature: Signature?

  package struct Signature: Equatable, Sendable {
    package let name: String
    let keyID: [UInt8]
    let bytes: [UInt8]

    package var keyIDText: String { Hex.text(keyID) }
  }

  package init(_ head: TreeHead, key: SignerKey?) {
    self.head = head
    signature = key.map {
      Signature(name: $0.verifier.name, keyID: $0.verifier.id, bytes: $0.sign(Array(head.text.utf8)))
    }
  }

  /// The whole note. Without a signature it ends with the empty line.
  package var text: String {
    guard let signature else { return head.text + "\n" }
    return "\(head.text)\n\u{2014} \(signature.name) \(Base64.text(signature.keyID + signature.bytes))\n"
  }

  /// A head from the whole text of its note; nil for anything else.
  package init?(text: String) {
    guard let gap = text.range(of: "\n\n"),
      let head = TreeHead(text: String(text[..<text.index(after: gap.lowerBound)]))
    else { return nil }
    self.head = head
    let line = text[gap.upperBound...]
    guard !line.isEmpty else {
      signature = nil
      return
    }
    let parts = line.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "\u{2014}", VerifierKey.isName(String(parts[1])), parts[2].hasSuffix("\n"),
      let bytes = Base64.bytes(String(parts[2].dropLast())), bytes.count == VerifierKey.idBytes + Sodium.signatureBytes
    else { return nil }
    signature = Signature(
      name: String(parts[1]), keyID: Array(bytes.prefix(VerifierKey.idBytes)),
      bytes: Array(bytes.dropFirst(VerifierKey.idBytes)))
  }

  /// The heads of a text that holds several notes, one behind the other; nil when anything in it is not one.
  package static func all(in text: String) -> [SignedHead]? {
    var notes: [String] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix(TreeHead.origin) { notes.append("") }
      guard !notes.isEmpty else {
        guard line.isEmpty else { return nil }
        continue
      }
      notes[notes.count - 1] += line + "\n"
    }
    let heads = notes.map { note -> SignedHead? in
      var note = note
      while note.hasSuffix("\n\n\n") { note.removeLast() }
      return SignedHead(text: note) ?? SignedHead(text: String(note.dropLast()))
    }
    return heads.contains(nil) ? nil : heads.compactMap(\.self)
  }

  package func isSigned(by key: VerifierKey) -> Bool {
    guard let signature, signature.name == key.name, signature.keyID == key.id else { return false }
    return Sodium.isSigned(Array(head.text.utf8), signature: signature.bytes, publicKey: key.publicKey)
  }
}

extension String {
  /// The first place of a text of this one.
  fileprivate func range(of pattern: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(pattern) { return start..<index(start, offsetBy: pattern.count) }
      start = index(after: start)
    }
    return nil
  }
}
