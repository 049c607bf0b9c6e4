/// The hub against a model that is too simple to be wrong.
import TestSupport
import Testing

@Suite struct ModelTests {
  @Test("Random writes, repeats, sweeps, clock jumps and restarts leave what the model holds", arguments: 0..<4)
  func random(_ run: Int) throws {
    var generator = SeededGenerator.fromEnvironment("HubTests.ModelTests.random \(run)")
    // One seed from the environment still gives four different runs.
    for _ in 0..<run { _ = generator.next() }
    var model = try ModelRun(SeededGenerator(seed: generator.next()))
    for _ in 0..<50_000 {
      try model.step()
      try model.compareOne()
    }
    try model.checkLog()
    // Without this the test could pass on nothing.
    for what in ["singles", "batches", "conflicts", "nothing", "repeats", "sweeps", "reopenings"] {
      #expect(model.counts[what, default: 0] > 20, "\(what)")
    }
  }
}
