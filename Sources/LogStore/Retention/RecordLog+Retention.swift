/// Retention in an open log: what is older than it keeps is taken out of finished segments, beside everything else. See
/// docs/decisions/0024-retention.md.
internal import Threads

/// What `stats` and the log of the operator tell of the retention.
package struct RetentionStatus: Sendable {
  /// From this revision on the past is whole; 0: all of it is.
  package var floor = Revision.none
  /// Segments that wait to be written anew.
  package var segmentsLeft = 0
  /// Why the last attempt failed; nil when it did not.
  package var failure: LogError?
}

struct RetentionState {
  var survey: RetentionSurvey?
  var thread: NamedThread?
  var findings = RetentionFindings()
  /// The finished segments, and where the policy had come to, when the last survey was begun.
  var lastSurvey: (segments: Int, through: SegmentNumber)?
  var setback = Setback()
}

extension RecordLog {
  package var retentionStatus: RetentionStatus {
    RetentionStatus(
      floor: floor, segmentsLeft: retention.findings.segments.count, failure: retention.setback.failure)
  }

  /// Whether the retention has something under way.
  package var isRetaining: Bool { retention.survey != nil || !retention.findings.segments.isEmpty }

  /// Goes on with the retention, and begins anew when the policy has come to another segment. To be called now and
  /// then, like `stepCompaction`, which does the writing.
  ///
  /// - Parameters:
  ///   - now: microseconds since 1970.
  ///   - untouched: nothing younger than so many microseconds is let go, whatever the policy.
  package func stepRetention(now: Int64, untouched: Int64) {
    settleSurvey()
    guard options.retention != .forever, !isRetaining, compaction == nil, failure == nil, isErasureDone,
      retention.setback.isOver
    else { return }
    do {
      try beginSurvey(now: now, untouched: untouched)
    } catch {
      pauseRetention(error)
    }
  }

  private func beginSurvey(now: Int64, untouched: Int64) throws(LogError) {
    let finished = finishedIndices
    guard !finished.isEmpty else { return }
    let through = try newestRevision(at: now - options.retention.ageMin(untouched: untouched))
    let first = try firstRevision()
    guard through >= first, case .record(let place) = try find(through) else { return }
    let state = (segments: finished.count, through: place.segment)
    if let last = retention.lastSurvey, last == state { return }
    retention.lastSurvey = state
    let parts = finished.filter { segments[$0].number <= place.segment }.map {
      RetentionSurvey.Part(segments[$0], before: segments[$0 + 1])
    }
    start(
      RetentionSurvey(
        parts, first: first, through: through, kept: options.retention.kept,
        bytesPerSecond: options.usesThreads ? options.compactionBytesPerSecond : 0, onOutcome: onCompletion))
  }

  private func start(_ survey: RetentionSurvey) {
    retention.survey = survey
    let supply = supply
    let time = lastTime
    // Before the first event goes it is written down that the past is not whole any more.
    let finish = { @Sendable (findings: RetentionFindings) throws(LogError) in
      do throws(StorageError) {
        try supply.raiseFloor(to: findings.floor, at: time)
      } catch {
        throw LogError(error)
      }
    }
    guard options.usesThreads else {
      survey.run(then: finish)
      return settleSurvey()
    }
    retention.thread = NamedThread("mfh-retain") {
      NamedThread.yieldToOthers()
      survey.run(then: finish)
    }
  }

  private func settleSurvey() {
    guard let survey = retention.survey else { return }
    switch survey.outcome {
    case .working: return
    case .done(let findings):
      retention.findings = findings
      retention.findings.segments.removeAll { compactionStatus.refuses($0) }
      retention.setback.clear()
    case .failed(let error): pauseRetention(error)
    }
    retention.thread?.join()
    retention.thread = nil
    retention.survey = nil
  }

  private func pauseRetention(_ error: LogError) {
    retention.setback.take(error, pause: .seconds(60))
    retention.lastSurvey = nil
  }

  /// Begins to write the next segment anew; false when there is none.
  func beginRetaining() -> Bool {
    guard compaction == nil, failure == nil, let number = retention.findings.segments.first else { return false }
    retention.findings.segments.removeFirst()
    let index = Int(number.value) - Int(segments[0].number.value)
    precondition(finishedIndices.contains(index), "what was surveyed was finished")
    rewrite(index, retention.findings.edits)
    if retention.findings.segments.isEmpty { retention.findings = RetentionFindings() }
    return true
  }

  /// Takes note of a segment that was written anew, or was not.
  func noteRetained(_ rewrite: SegmentCompaction, _ outcome: SegmentCompaction.Outcome) {
    guard rewrite.edits.dropsEvents, case .failed(let error) = outcome else { return }
    retention.findings = RetentionFindings()
    pauseRetention(error)
  }

  /// Gives up what is under way and waits for that.
  func endRetention() {
    retention.survey?.cancel()
    retention.thread?.join()
    retention.thread = nil
    retention.survey = nil
    retention.findings = RetentionFindings()
  }
}
