/// The certificate that the client of a connection has shown: the handshake has checked that the client holds its key,
/// and that the authority of the configuration has signed it.
package import Access
package import NIOCore
internal import NIOSSL

/// Stands in a connection's pipeline behind TLS, for others to ask.
package final class ClientCertificate: ChannelInboundHandler, RemovableChannelHandler {
  package typealias InboundIn = NIOAny

  private enum State {
    case unknown
    case known(PublicKeyPin?)
  }

  private var state = State.unknown

  package init() {}

  /// The pin of the certificate's key; nil when there is no TLS, or no certificate was asked for. Call it when the
  /// handshake is over, on the connection's event loop.
  ///
  /// - Throws: when there is a certificate whose key can not be found: whether it was revoked can not be told then.
  package static func pin(of connection: any Channel) throws -> PublicKeyPin? {
    guard let handler = try? connection.pipeline.syncOperations.handler(type: ClientCertificate.self) else {
      return nil
    }
    return try handler.pin(connection.pipeline.syncOperations)
  }

  private func pin(_ pipeline: ChannelPipeline.SynchronousOperations) throws -> PublicKeyPin? {
    if case .known(let pin) = state { return pin }
    let pin = try pipeline.nioSSL_peerCertificate().map { certificate in
      let bytes = try certificate.toDERBytes()
      guard let pin = PublicKeyPin(certificate: bytes.span.bytes) else { throw Unreadable() }
      return pin
    }
    state = .known(pin)
    return pin
  }

  private struct Unreadable: Error {}
}
