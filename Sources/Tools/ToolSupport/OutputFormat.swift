/// The forms that every tool that prints data has. CONTRACT: section 1.
internal import ArgumentParser

package enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable { case table, json }
