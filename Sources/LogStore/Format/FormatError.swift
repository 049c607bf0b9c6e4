/// Why bytes are not what they should be: one case for every way a reader can be disappointed.
package enum FormatError: Error, Equatable, Sendable {
  case truncated
  case badMagic
  case badChecksum
  case unknownVersion(UInt16)
  /// Feature bits that this version does not know and may not ignore.
  case unknownFeatures(UInt32)
  case badLength
  case unknownKind(UInt8)
  case unknownOperation(UInt8)
  case unknownCodec(UInt8)
  case encrypted(UInt8)
  case payloadChecksum
  case nonZeroPadding
  case badField(String)

  package var text: String {
    switch self {
    case .truncated: "the bytes end too early"
    case .badMagic: "the magic number is missing"
    case .badChecksum: "the header's checksum does not match"
    case .unknownVersion(let version): "it is format version \(version), this program reads version 1"
    case .unknownFeatures(let bits): "it uses features unknown to this program (bits 0x\(String(bits, radix: 16)))"
    case .badLength: "a length points outside its frame"
    case .unknownKind(let kind): "frame kind \(kind) is unknown"
    case .unknownOperation(let operation): "operation \(operation) is unknown"
    case .unknownCodec(let codec): "codec \(codec) is unknown"
    case .encrypted(let mark): "it is encrypted (mark \(mark)), which this program can not read"
    case .payloadChecksum: "the payload's checksum does not match"
    case .nonZeroPadding: "bytes that must be zero are not"
    case .badField(let field): "field \(field) has an impossible value"
    }
  }
}
