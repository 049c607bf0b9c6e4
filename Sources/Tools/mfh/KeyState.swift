/// What a key is at, for `--dry-run`.
internal import HubClient
internal import Programs

enum KeyState {
  /// The key's revision; 0 when there is nothing.
  static func revision(of key: String, _ session: Session) throws(Failure) -> UInt64 {
    var request = session.request("get")
    request.add("key", key)
    var reply = HubReply()
    try session.perform(request, reply: &reply)
    return try reply.requiredNumber("revision", of: reply.result)
  }

  static func expect(_ wanted: UInt64, _ revision: UInt64, _ key: String) throws(Failure) {
    guard wanted != revision else { return }
    throw Failure(.canNotCreate, "\(key): it is at revision \(revision), not at \(wanted): it would be a conflict")
  }
}
