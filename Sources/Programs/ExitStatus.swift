/// How a program of the project ends. CONTRACT: section 1, "Exit codes" (the numbers are those of sysexits.h).
package enum ExitStatus: Int32, Error, Sendable, CaseIterable {
  case done = 0
  case usage = 64
  case damaged = 65
  case noInput = 66
  case unavailable = 69
  case canNotCreate = 73
  case inputOutput = 74
  case locked = 75
  case notPermitted = 77
  case badConfiguration = 78
}
