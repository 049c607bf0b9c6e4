/// An inspection in process, for tests that make thousands of them.
import Bytes
import LogStore

final class Inspected: InspectionVisitor {
  private(set) var revisions: [UInt64] = []
  private(set) var issues: [InspectionIssue] = []
  private(set) var failure: LogError?

  convenience init(_ path: String) {
    do {
      self.init(try PosixStorage(path: path, creating: false))
    } catch {
      preconditionFailure("a test's directory can be opened: \(error)")
    }
  }

  init(_ storage: any Storage) {
    do {
      var inspector = LogInspector(try StoreInspection.open(storage), visitor: self)
      inspector.run()
    } catch {
      failure = error
    }
  }

  func begin(_ segment: InspectedSegment.Readable) {}
  func visit(_ frame: FrameHeader, at offset: Int) {}

  func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
    if record.header.fields.operation.takesRevision { revisions.append(record.header.fields.revision.value) }
    return true
  }

  func report(_ issue: InspectionIssue) { issues.append(issue) }

  var lost: Set<UInt64> { Set(issues.flatMap { $0.lost.map(Array.init) ?? [] }) }
  var damages: [InspectionIssue] { issues.filter(\.isDamage) }
}
