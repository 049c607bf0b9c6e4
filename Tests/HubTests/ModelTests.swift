/// The hub against a model that is too simple to be wrong.
import LogStore
import TestSupport
import Testing

@Suite struct ModelTests {
  @Test(
    "Random writes, repeats, sweeps, clock jumps, snapshots and restarts leave what the model holds", arguments: 0..<4)
  func random(_ run: Int) throws {
    var generator = SeededGenerator.fromEnvironment("HubTests.ModelTests.random \(run)")
    // One seed from the environment still gives four different runs.
    for _ in 0..<run { _ = generator.next() }
    // Snapshots wait for the disk: without syncs few of them are finished.
    let syncs = run == 0
    var model = try ModelRun(SeededGenerator(seed: generator.next()), durability: syncs ? .fsync : .none)
    for _ in 0..<(syncs ? 20_000 : 50_000) {
      try model.step()
      try model.compareOne()
    }
    try model.checkLog()
    // Without this the test could pass on nothing.
    for what in ["singles", "batches", "conflicts", "nothing", "repeats", "sweeps", "reopenings"] {
      #expect(model.counts[what, default: 0] > 5, "\(what)")
    }
    if syncs { #expect(model.counts["snapshots", default: 0] > 5) }
  }
}
