/// What the pages of HTTP are to clients with certificates: decided without a request loop, and by the same keys as all
/// else. SECURITY: row 7.
import Access
import Testing

@testable import Server

@Suite("Pages and revoked certificates", .timeLimit(.minutes(10)))
struct KeyWatchTests {
  let workshop: KeyWorkshop
  let keys: KeyWatch
  /// No loop runs here.
  let pages: MonitoringPages

  init() throws {
    workshop = try KeyWorkshop()
    keys = try KeyWatch(workshop.path)
    pages = MonitoringPages(lifecycle: Lifecycle(), keys: keys, edges: { [] })
  }

  private func isRefused(_ certificate: PublicKeyPin?) -> Bool {
    guard let refusal = pages.refusal(of: certificate) else { return false }
    #expect(refusal.status == 403 && refusal.contentType.hasPrefix("text/plain"))
    return true
  }

  @Test("A revoked certificate is refused from the next request on, in every phase, and no other one ever is")
  func phases() throws {
    var revoked: [PublicKeyPin] = []
    let (listed, stranger) = (try workshop.certificate("writer", ["write:plans/"]), KeyWorkshop.anyPin())
    for phase in MonitoringTests.phases {
      pages.lifecycle.enter(phase)
      let certificate = try workshop.certificate("planner \(phase)", ["all:*"])
      #expect(!isRefused(certificate))
      try workshop.revoke(agent: "planner \(phase)")
      revoked.append(certificate)
      #expect(revoked.allSatisfy(isRefused))
      #expect(!isRefused(listed) && !isRefused(stranger) && !isRefused(nil))
    }
    #expect(keys.takeRefusals() == (1...revoked.count).reduce(0, +) && keys.takeRefusals() == 0)
    let text = String(decoding: try #require(pages.refusal(of: revoked[0])).body, as: UTF8.self)
    #expect(text.contains("revoked") && text.contains("mfh keys allow") && text.hasSuffix("\n"))
    try workshop.list(revoked[0], "planner", ["read:*"])
    #expect(!isRefused(revoked[0]) && isRefused(revoked[1]))
  }

  @Test("What one thread has seen revoked stays revoked for all, also when nobody can read the file any more")
  func spoilt() throws {
    let access = AccessControl(singleKey: nil, keys: keys)
    let certificate = try workshop.certificate("planner", ["all:*"])
    #expect(!isRefused(certificate))
    try workshop.revoke(agent: "planner")
    #expect(access.keepHouse(now: 0) && !access.keepHouse(now: 0))
    try workshop.save("not a key\n")
    #expect(isRefused(certificate))
    // The one that counts and tells hears of it too, though it was another that has looked.
    #expect(access.problem == nil && access.keepHouse(now: 0))
    #expect(access.problem != nil && access.certificateCount == 0)
    try workshop.save()
    #expect(isRefused(certificate))
    #expect(access.keepHouse(now: 0) && access.problem == nil)
    _ = access.takeRefusals()
  }

  @Test("Keys that another thread was the first to see count for requests as well")
  func seenElsewhere() throws {
    let access = AccessControl(singleKey: nil, keys: keys)
    let planner = try workshop.certificate("planner", ["all:*"])
    guard case .agent(let principal) = keys.standing(of: planner) else {
      Issue.record("it is not on the list")
      return
    }
    #expect(!access.stands(principal) && access.certificateCount == 0)
    #expect(access.keepHouse(now: 0) && access.stands(principal) && access.certificateCount == 1)
  }

  @Test("Without a key file nobody is refused")
  func noFile() {
    let pages = MonitoringPages(lifecycle: Lifecycle(), keys: nil, edges: { [] })
    #expect(pages.refusal(of: KeyWorkshop.anyPin()) == nil && pages.refusal(of: nil) == nil)
  }
}
