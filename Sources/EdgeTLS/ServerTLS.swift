/// TLS of the listeners: from the files that the configuration names to what the libraries take. SECURITY: TLS 1.3, and
/// with a client CA nobody without a certificate of it.
internal import Glibc
package import NIOSSL
package import Server

package enum ServerTLS {
  /// - Parameter protocols: what is agreed on by ALPN.
  /// - Throws: `ListenerError` that names the setting whose file can not be used.
  package static func configuration(
    _ files: TLSFiles, protocols: [String]
  ) throws(ListenerError) -> TLSConfiguration {
    let chain = try certificates(files.certificate, "security.tls.certificate")
    let key = try key(files.key)
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv13
    configuration.applicationProtocols = protocols
    if let authority = files.clientCA {
      // Clients have no host name that could be checked; a certificate of this authority is what is asked for.
      configuration.certificateVerification = .noHostnameVerification
      configuration.trustRoots = .certificates(try certificates(authority, "security.tls.client_ca"))
    }
    return configuration
  }

  /// As `configuration`, ready for use: here it shows whether key and certificate belong together.
  package static func context(_ files: TLSFiles, protocols: [String]) throws(ListenerError) -> NIOSSLContext {
    let configuration = try configuration(files, protocols: protocols)
    do { return try NIOSSLContext(configuration: configuration) } catch {
      throw ListenerError(
        configuration: "security.tls.key \(files.key): it is not the key of the certificate in \(files.certificate)")
    }
  }

  private static func certificates(
    _ path: String, _ setting: String
  ) throws(ListenerError) -> [NIOSSLCertificate] {
    try checkReadable(path, setting)
    guard let found = try? NIOSSLCertificate.fromPEMFile(path), !found.isEmpty else {
      throw ListenerError(configuration: "\(setting) \(path): it holds no certificate in PEM")
    }
    return found
  }

  private static func key(_ path: String) throws(ListenerError) -> NIOSSLPrivateKey {
    try checkReadable(path, "security.tls.key")
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & 0o007 == 0 else {
      throw ListenerError(
        configuration: "security.tls.key \(path): everybody on this machine can read or write it: chmod o= \(path)")
    }
    guard let key = try? NIOSSLPrivateKey(file: path, format: .pem) else {
      throw ListenerError(
        configuration: "security.tls.key \(path): it holds no private key in PEM without a passphrase")
    }
    return key
  }

  private static func checkReadable(_ path: String, _ setting: String) throws(ListenerError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw ListenerError(configuration: "\(setting) \(path): \(String(cString: strerror(errno)))")
    }
    close(descriptor)
  }
}
