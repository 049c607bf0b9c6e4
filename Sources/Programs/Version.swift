/// The version that every program of the project bears.
package enum Version {
  package static let number = "0.1.0"
}
