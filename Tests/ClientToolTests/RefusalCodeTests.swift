/// The client knows every code that a hub may answer with.
import Hub
import HubClient
import Testing

@Suite("Codes")
struct RefusalCodeTests {
  @Test("The client's codes are those of the hub")
  func codes() {
    #expect(Set(HubRefusal.Code.allCases.map(\.rawValue)) == Set(ErrorCode.allCases.map(\.rawValue)))
  }
}
