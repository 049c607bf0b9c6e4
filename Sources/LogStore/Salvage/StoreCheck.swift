/// Reads a store as an opening and a full replay do, and says what they would refuse. Nothing is changed.

enum StoreCheck {
  /// Nil when the store is sound, or there is none.
  ///
  /// - Throws: `LogError` of another kind than damage, such as `io` and `unsupported`.
  static func damage(_ storage: any Storage) throws(LogError) -> LogError? {
    do throws(LogError) {
      let directory = try StoreDirectory.load(storage, writable: false)
      if let problem = directory.problems.first { throw problem }
      let tail = try TailExaminer(directory).examine()
      guard tail.verdict != .rot else {
        return LogError(
          .damaged, "what was durable can not be read here: \(tail.proof)",
          segment: directory.segments[tail.activeIndex].number, offset: UInt64(tail.scan.end))
      }
      let segments = Array(directory.segments[...tail.activeIndex])
      try LogReplay(segments: segments, activeEnd: tail.scan.end).run { (_, _, _) throws(LogError) in }
      return nil
    } catch {
      switch error.code {
      case .damaged: return try UnfinishedCreation.isFound(in: storage) ? nil : error
      case .notFound: return nil
      default: throw error
      }
    }
  }
}
