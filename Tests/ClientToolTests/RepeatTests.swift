/// Repeating a write with its request id.
import Foundation
import TestSupport
import Testing

@Suite("Repeats", .timeLimit(.minutes(10)))
struct RepeatTests {
  let hub: TestHub

  init() throws { hub = try TestHub() }

  @Test("The same put with the same id is done once, and says the same again")
  func put() throws {
    let first = try hub.ok("put", "k", "v", "--request-id", "7", "--ttl", "60").output
    #expect(try hub.ok("put", "k", "v", "--request-id", "7", "--ttl", "60").output == first)
    let other = try hub.mfh("put", "k", "w", "--request-id", "7", "--ttl", "60")
    #expect(other.status == 65 && other.errors.contains("invalid_request"))
    #expect(try hub.events().count == 1)
  }

  @Test("Deletes and batches are repeated as safely, and every write has an id of its own")
  func others() throws {
    try hub.ok("put", "k", "v")
    try hub.ok("put", "k", "v")
    let delete = try hub.ok("delete", "k", "--request-id", "8").output
    #expect(try hub.ok("delete", "k", "--request-id", "8").output == delete)
    let operation = #"{"op":"put","key":"a","item":{"content":"x"}}"#
    let batch = try hub.ok("batch", "-", "--request-id", "9", input: operation).output
    #expect(try hub.ok("batch", "-", "--request-id", "9", input: operation).output == batch)
    #expect(try hub.events().count == 4)
  }
}
