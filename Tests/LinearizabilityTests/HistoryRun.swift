/// Makes one history: starts a hub, lets clients at it, ends it and starts it again as planned.
import HistoryChecker
import TestSupport
import Threads
import ZeroMQ

struct HistoryRun {
  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  /// In the order in which the operations were sent.
  let history: [HistoryOperation]
  let repeats: Int

  init(_ plan: Plan) throws {
    let hub = try HubProcess(plan.options)
    let stage = Stage(operations: plan.operations, address: hub.address)
    let context = try Context()
    let clients = (0..<plan.clients).map { Client($0, plan, stage, context) }
    let threads = clients.map { client in NamedThread("history-client") { client.run() } }
    HistoryRun.endAndStart(hub, stage, plan)
    let problem = stage.awaitClients(clients.count)
    for thread in threads { thread.join() }
    if let problem { throw Problem(description: "\(plan): \(problem)") }
    try hub.stop()
    stage.noteEnd()
    history = clients.flatMap { HistoryRun.closed($0, stage) }.sorted { $0.invoked < $1.invoked }
    repeats = clients.reduce(0) { $0 + $1.repeats }
  }

  private static func endAndStart(_ hub: HubProcess, _ stage: Stage, _ plan: Plan) {
    var random = SeededGenerator(seed: plan.seed ^ 0x5EED)
    do {
      for end in plan.ends {
        stage.awaitOperations(end.after)
        for _ in 0..<Int.random(in: 0..<20, using: &random) { NamedThread.pause() }
        stage.noteDown()
        if end.isKill { try hub.kill() } else { try hub.stop() }
        stage.noteEnd()
        try hub.start()
        stage.noteUp(hub.address)
      }
    } catch {
      stage.fail("\(error)")
    }
  }

  /// What was adrift can not have happened later than the end of the hub's life.
  private static func closed(_ client: Client, _ stage: Stage) -> [HistoryOperation] {
    var operations = client.operations
    for (index, life) in client.adrift { operations[index].returned = stage.end(of: life) }
    return operations
  }
}
