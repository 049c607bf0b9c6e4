/// What a run of load is to be.
internal import Programs
internal import ZeroMQ

/// What all runs of one command have in common.
struct LoadOptions {
  var keys = 10_000
  /// Of an item as it is sent.
  var valueBytes = 400
}

struct Load {
  enum Length {
    case requests(Int)
    case nanoseconds(Int64)
  }

  var name: String
  var mix: Mix
  var connections: Int
  /// Of each connection.
  var inFlight: Int
  var length: Length
  /// Requests a second of all connections together; nil: as fast as replies come.
  var rate: Double?
  /// Request number n takes key number n: for filling the hub.
  var keysInOrder = false
  /// How long nothing may come before the run is given up.
  var silenceNanoseconds: Int64 = 20_000_000_000
}

struct LoadError: Error {
  let status: ExitStatus
  let message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  init(_ error: ZeroMQError) { self.init(.unavailable, "\(error)") }
}
