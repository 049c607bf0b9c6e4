/// Who is woken by which key, against a list that is gone through one by one.
import Hub
import LogStore
import TestSupport
import Testing

@Suite("Waiting for events")
struct FeedWatchTests {
  private struct Waiter {
    var number: UInt64
    var prefix: [UInt8]
    var from: UInt64
  }

  private func text(_ random: inout SeededGenerator, bytesMax: Int) -> [UInt8] {
    (0..<Int.random(in: 0...bytesMax, using: &random)).map { _ in UInt8.random(in: 0..<3, using: &random) * 127 }
  }

  @Test("Each key wakes exactly those whose prefix it begins with and who have not seen its revision, once")
  func model() throws {
    var random = SeededGenerator.fromEnvironment("feed watch")
    var watch = FeedWatch()
    var model: [Waiter] = []
    for step in UInt64(1)...20_000 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<6:
        let waiter = Waiter(
          number: step, prefix: text(&random, bytesMax: 6), from: step &- 5 &+ UInt64.random(in: 0..<20, using: &random)
        )
        watch.add(step, prefix: waiter.prefix, from: Revision(waiter.from))
        model.append(waiter)
      case 6:
        if let index = model.indices.randomElement(using: &random) {
          watch.remove(model[index].number, prefix: model[index].prefix)
          model.remove(at: index)
        }
        // One that does not wait is nobody's business.
        watch.remove(0, prefix: text(&random, bytesMax: 6))
      default:
        let key = text(&random, bytesMax: 8)
        watch.note(Revision(step), key: key.span.bytes)
        let woken = watch.takeWoken()
        let expected = model.filter { $0.from <= step && key.starts(with: $0.prefix) }.map(\.number)
        try #require(woken.map(\.number).sorted() == expected.sorted(), "step \(step)")
        #expect(woken.allSatisfy { $0.revision.value == step })
        model.removeAll { expected.contains($0.number) }
      }
      try #require(watch.count == model.count && watch.isEmpty == model.isEmpty)
    }
  }
}
