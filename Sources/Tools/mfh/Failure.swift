/// Why a command did not do what was asked: an exit code, and a line that says what, where, and what to do.
internal import HubClient
internal import Programs

struct Failure: Error {
  let status: ExitStatus
  /// Empty when the exit code says it all.
  let message: String
  /// The same may work a moment later.
  var mayPass = false
  /// The hub's error reply, if that is what it was.
  var refusal: HubRefusal?

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  /// For a list of which some is printed already, when `rest` of it can not be had.
  func endingList(of rest: String) -> Failure {
    let state = refusal?.code == .revisionCompacted ? "is gone from the log" : "was not told"
    var failure = Failure(status, "the list ends here: \(rest) \(state); \(message)")
    failure.mayPass = mayPass
    failure.refusal = refusal
    return failure
  }
}

extension ExitStatus {
  /// Which exit code stands for a code of the protocol. docs/decisions/0011-client-exit-codes.md tells why.
  init(_ refusal: HubRefusal) {
    switch refusal.code {
    case .invalidJSON, .invalidRequest, .invalidItem, .tooLarge: self = .damaged
    case .conflict: self = .canNotCreate
    case .unauthorized, .forbidden: self = .notPermitted
    case .storageError, .internal: self = .inputOutput
    case .revisionCompacted, .redacted: self = .noInput
    case .unknownAction, .overloaded, .readOnly, .notPrimary, .lagging, .shuttingDown, nil: self = .unavailable
    }
  }
}

/// What a command was about to do, for the message when nobody knows whether it was done.
enum Attempt {
  case read
  /// - Parameters:
  ///   - requestID: the id that makes a repeat safe.
  ///   - isRepeatable: false without an agent: the hub does not remember the id then.
  case write(requestID: String, isRepeatable: Bool)
}

extension Failure {
  init(_ error: HubClientError, at address: HubAddress, within seconds: Double, _ attempt: Attempt) {
    switch error {
    case .unreachable(let reason):
      self.init(
        reason == .notAllowed ? .notPermitted : .unavailable,
        Failure.text(of: reason, address, Failure.text(of: seconds)))
    case .noReply:
      let advice = "try again, or with a longer --timeout"
      self.init(
        .unavailable,
        "\(address) gave no answer within \(Failure.text(of: seconds)): \(Failure.outcome(attempt, advice))")
    case .connectionLost:
      self.init(
        .unavailable, "\(address) closed the connection before it answered: \(Failure.outcome(attempt, "try again"))")
    case .badReply(let problem):
      self.init(
        .unavailable, "what answers at \(address) is not a hub that this version knows: \(problem); check the address")
    case .local(let error):
      self.init(.inputOutput, "\(address): \(error)")
    case .refused(let refusal):
      self.init(ExitStatus(refusal), Failure.text(of: refusal))
      self.refusal = refusal
    }
    mayPass = Failure.mayPass(error)
  }

  private static func mayPass(_ error: HubClientError) -> Bool {
    switch error {
    case .unreachable(.notAllowed): false
    case .unreachable, .noReply, .connectionLost: true
    case .badReply, .local: false
    case .refused(let refusal):
      switch refusal.code {
      case .overloaded, .readOnly, .notPrimary, .lagging, .shuttingDown: true
      case .invalidJSON, .invalidRequest, .unknownAction, .invalidItem, .tooLarge, .conflict, .unauthorized,
        .forbidden, .storageError, .revisionCompacted, .redacted, .internal, nil:
        false
      }
    }
  }

  private static func text(of reason: HubClientError.Unreachable, _ address: HubAddress, _ time: String) -> String {
    switch reason {
    case .refused:
      "no hub listens at \(address) (tried for \(time)): start mfh-server, or name the hub with --hub or MFH_HUB"
    case .silent:
      "\(address) can not be reached (tried for \(time)): check the address and the network, or raise --timeout"
    case .mute:
      "\(address) takes connections, but says nothing (waited \(time)): the hub there may be stuck, it is not one, "
        + "or its CURVE key is not the one in --hub-key-file"
    case .foreign:
      "what listens at \(address) does not speak ZeroMQ as a hub does (tried for \(time)): check the port, and "
        + "whether the hub asks for CURVE (--hub-key-file, --curve-key-file)"
    case .notAllowed:
      "\(address) does not know the CURVE key of this client: mfh keys allow puts it on the hub's list"
    }
  }

  private static func outcome(_ attempt: Attempt, _ advice: String) -> String {
    switch attempt {
    case .read: advice
    case .write(let requestID, true):
      "whether it was written is unknown; the same command with --request-id \(requestID) makes sure, and never "
        + "writes twice"
    case .write(_, false):
      "whether it was written is unknown; look before you repeat it (with an --agent a repeat would be safe)"
    }
  }

  private static func text(of refusal: HubRefusal) -> String {
    var text = "\(refusal.message) (\(refusal.codeText))"
    if let wait = refusal.retryAfterMilliseconds { text += "; try again in \(wait) ms" }
    switch refusal.code {
    case .unauthorized: text += "; give the key with --api-key-file or MFH_API_KEY"
    case .storageError: text += "; mfh health and the hub's log tell more"
    default: break
    }
    return text
  }

  private static func text(of seconds: Double) -> String {
    seconds == seconds.rounded() ? "\(Int(seconds)) s" : "\(seconds) s"
  }
}
