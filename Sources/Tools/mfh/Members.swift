/// The members of an object in a reply, in their order.
internal import HubClient
internal import JSONText

struct Member {
  let name: String
  let node: Int
}

typealias Members = [Member]

extension Members {
  /// None for what is no object.
  init(of object: Int, _ reply: borrowing HubReply) {
    self = []
    guard reply.tape.kind(object) == .object else { return }
    var name = reply.tape.firstChild(object)
    for _ in 0..<reply.tape.count(object) {
      append(Member(name: reply.string(name), node: name + 1))
      name = reply.tape.after(name + 1)
    }
  }
}
