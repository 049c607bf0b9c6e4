/// One request as it is sent, and what its reply says about the operations in it.
import Foundation
import HistoryChecker

/// What a client asks for: one operation on one key, or a look at several keys at a time.
enum Request {
  case one(key: String, Call)
  case look(keys: [String])

  /// - Parameter agent: with one, the request's id makes it repeatable.
  func text(id: String, agent: String?) -> String {
    let identity = #""request_id":"\#(id)""# + (agent.map { #","agent_id":"\#($0)""# } ?? "")
    switch self {
    case .look(let keys):
      let list = keys.map { "\"\($0)\"" }.joined(separator: ",")
      return #"{"action":"batch_get","keys":[\#(list)],\#(identity)}"#
    case .one(let key, let call):
      let condition = call.ifRevision.map { #","if_revision":\#($0)"# } ?? ""
      return switch call {
      case .get: #"{"action":"get","key":"\#(key)",\#(identity)}"#
      case .put(let value, _):
        #"{"action":"put","key":"\#(key)","item":{"content":"\#(value)"}\#(condition),\#(identity)}"#
      case .delete: #"{"action":"delete","key":"\#(key)"\#(condition),\#(identity)}"#
      }
    }
  }
}

/// A reply, taken apart as far as histories need it.
struct Reply {
  struct Strange: Error, CustomStringConvertible {
    let description: String
  }

  private let object: [String: Any]
  private let text: String
  let requestID: String

  init(_ bytes: [UInt8]) throws {
    text = String(decoding: bytes, as: UTF8.self)
    guard let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
      let requestID = object["request_id"] as? String
    else { throw Strange(description: "no reply: \(text)") }
    self.object = object
    self.requestID = requestID
  }

  /// The hub is on its way out and has not done it.
  var isShuttingDown: Bool { object["code"] as? String == "shutting_down" }

  /// What happened to each key.
  func outcomes(of request: Request) throws -> [(key: String, outcome: Outcome)] {
    switch request {
    case .one(let key, let call): [(key, try outcome(of: call))]
    case .look(let keys):
      try keys.map { key in
        let items = try result["items"] as? [String: Any]
        let revisions = try result["revisions"] as? [String: Any]
        guard let item = items?[key] else {
          guard (try result["missing_keys"] as? [String])?.contains(key) == true else { throw strange }
          return (key, .absent)
        }
        return (key, .found(try version(item, revisions?[key])))
      }
    }
  }

  private func outcome(of call: Call) throws -> Outcome {
    if object["code"] as? String == "conflict", let current = object["current"] as? [String: Any] {
      return .conflict(current["item"] is NSNull ? nil : try version(current["item"], current["revision"]))
    }
    switch call {
    case .get:
      guard let found = try result["found"] as? Bool else { throw strange }
      return found ? .found(try version(result["item"], result["revision"])) : .absent
    case .put:
      guard let created = try result["created"] as? Bool else { throw strange }
      return .stored(revision: try revision(result["revision"]), created: created)
    case .delete:
      guard let found = try result["found"] as? Bool, try result["deleted"] as? Bool == found else { throw strange }
      let revision = try revision(result["revision"])
      return found ? .deleted(revision: revision) : .nothing(revision: revision)
    }
  }

  private var strange: Strange { Strange(description: "a strange reply: \(text)") }

  private var result: [String: Any] {
    get throws {
      guard object["success"] as? Bool == true, let result = object["result"] as? [String: Any] else { throw strange }
      return result
    }
  }

  private func version(_ item: Any?, _ revision: Any?) throws -> Version {
    guard let content = (item as? [String: Any])?["content"] as? String else { throw strange }
    return Version(content, try self.revision(revision))
  }

  private func revision(_ value: Any?) throws -> UInt64 {
    guard let number = value as? NSNumber else { throw strange }
    return number.uint64Value
  }
}
