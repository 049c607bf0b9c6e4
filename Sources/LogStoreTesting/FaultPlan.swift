/// Which calls on a simulated disk go wrong, and how.
package import LogStore

package struct FaultPlan: Sendable {
  package enum Action: Sendable {
    /// The call fails with this `errno`.
    case fail(Int32)
    /// The process dies: this call and all after it throw, until the disk is restarted.
    case stop
  }

  private struct Rule {
    let calls: Set<StorageError.Call>
    let name: String
    let action: Action
    let isPersistent: Bool
    var remaining: Int

    func matches(_ call: StorageError.Call, _ path: String) -> Bool {
      (calls.isEmpty || calls.contains(call)) && (name.isEmpty || path.contains(name))
    }
  }

  private var rules: [Rule] = []
  /// How many calls have gone wrong.
  package private(set) var hits = 0

  package init() {}

  /// Adds a fault.
  ///
  /// - Parameters:
  ///   - nth: at which matching call, from 1.
  ///   - calls: which calls count; empty for all.
  ///   - name: a part of the path that the call must name; empty for any.
  ///   - isPersistent: whether all later matching calls go wrong too.
  package mutating func add(
    _ action: Action, at nth: Int, of calls: Set<StorageError.Call> = [], name: String = "", isPersistent: Bool = false
  ) {
    rules.append(Rule(calls: calls, name: name, action: action, isPersistent: isPersistent, remaining: nth))
  }

  /// What happens at this call; nil when nothing does.
  mutating func next(_ call: StorageError.Call, _ name: String) -> Action? {
    var action: Action?
    for index in rules.indices where rules[index].matches(call, name) {
      rules[index].remaining -= 1
      let isDue = rules[index].remaining == 0 || (rules[index].isPersistent && rules[index].remaining < 0)
      if isDue { action = rules[index].action }
    }
    if action != nil { hits += 1 }
    return action
  }
}
