/// Who is who in a store's directory: file names, what the files say of themselves, and what the manifest lists.
internal import Bytes

struct StoreCensus {
  private struct Candidate {
    let name: String
    let named: (number: SegmentNumber, generation: UInt32)
    let file: any StorageFile
    let fileBytes: UInt64
    let header: Result<SegmentHeader, FormatError>
    var issues: [InspectionIssue]

    /// The number that the inside tells, or else the name.
    var number: SegmentNumber { (try? header.get())?.number ?? named.number }
    var generation: UInt32 { (try? header.get())?.generation ?? named.generation }
  }

  private(set) var manifest: Manifest?
  private(set) var store = StoreIdentity.none
  private(set) var issues: [InspectionIssue]
  private var candidates: [SegmentNumber: Candidate] = [:]
  private var lost: [SegmentNumber: InspectionIssue] = [:]

  static func take(_ storage: any Storage) throws(LogError) -> StoreCensus {
    let found = try ManifestInspection.read(storage)
    var census = StoreCensus(manifest: found.manifest, issues: found.issues)
    let names = try census.segmentNames(storage)
    guard found.found > 0 || !names.isEmpty else { throw LogError(.notFound, "there is no store here") }
    let opened = census.openAll(names, storage)
    if let rest = StoreCensus.unfinishedSalvage(storage) { census.issues.append(rest) }
    census.identify(opened)
    for candidate in opened { census.choose(candidate) }
    if found.manifest == nil {
      census.issues.insert(
        InspectionIssue(
          .damage, "no copy of the manifest can be read: what is in \(StoreNames.segments)/ is taken for the store"),
        at: 0)
    }
    return census
  }

  private init(manifest: Manifest?, issues: [InspectionIssue]) {
    self.manifest = manifest
    self.issues = issues
  }

  private static func unfinishedSalvage(_ storage: any Storage) -> InspectionIssue? {
    guard (try? storage.open(StoreNames.salvageManifest, writable: false)) != nil else { return nil }
    return InspectionIssue(
      .damage,
      "\(StoreNames.salvageManifest) is there: a salvage was cut short, the next start of the server finishes it")
  }

  private mutating func segmentNames(_ storage: any Storage) throws(LogError) -> [String] {
    let listed: [String]
    do {
      listed = try storage.list(StoreNames.segments).sorted()
    } catch {
      if error.errno == PosixText.missing { return [] }
      throw LogError(error)
    }
    var names: [String] = []
    for name in listed {
      if StoreNames.parseSegment(name) != nil {
        names.append(name)
      } else if !name.hasSuffix(StoreNames.temporarySuffix) {
        issues.append(
          InspectionIssue(.damage, "\(StoreNames.segments)/\(name) is no segment of this store: move it elsewhere"))
      }
    }
    return names
  }

  private mutating func openAll(_ names: [String], _ storage: any Storage) -> [Candidate] {
    var opened: [Candidate] = []
    for name in names {
      guard let named = StoreNames.parseSegment(name) else { continue }
      do {
        if let candidate = try StoreCensus.open(name, named, storage) { opened.append(candidate) }
      } catch {
        lost[named.number] = InspectionIssue(error, segment: named.number)
      }
    }
    return opened
  }

  /// Nil when the file is gone by now.
  private static func open(
    _ name: String, _ named: (number: SegmentNumber, generation: UInt32), _ storage: any Storage
  ) throws(StorageError) -> Candidate? {
    let file: any StorageFile
    do {
      file = try storage.open("\(StoreNames.segments)/\(name)", writable: false)
    } catch {
      if error.errno == PosixText.missing { return nil }
      throw error
    }
    var issues: [InspectionIssue] = []
    var window = InspectionWindow(file, limit: Layout.SegmentHeader.blockBytes)
    _ = window.load(0, Layout.SegmentHeader.blockBytes)
    for failure in window.failures {
      issues.append(InspectionIssue(failure.error, segment: named.number, offset: UInt64(failure.offset)))
    }
    let header = Result { () throws(FormatError) in try SegmentHeader.decode(window.bytes.bytes) }
    return Candidate(
      name: name, named: named, file: file, fileBytes: try file.size(), header: header, issues: issues)
  }

  /// Which store this is: the manifest says, or else most of the segments.
  private mutating func identify(_ opened: [Candidate]) {
    if let manifest {
      store = manifest.store
      return
    }
    var votes: [StoreIdentity: Int] = [:]
    for candidate in opened {
      if let header = try? candidate.header.get() { votes[header.store, default: 0] += 1 }
    }
    store = votes.max { ($0.value, $0.key.high, $0.key.low) < ($1.value, $1.key.high, $1.key.low) }?.key ?? .none
  }

  private mutating func choose(_ opened: Candidate) {
    var candidate = opened
    let number = candidate.number
    if let manifest, manifest.listsAll, !manifest.segments.contains(where: { $0.number == number }) {
      issues.append(
        InspectionIssue(.note, "\(StoreNames.segments)/\(candidate.name) is of a backup that was cut short"))
      return
    }
    let path = "\(StoreNames.segments)/\(candidate.name)"
    if let header = try? candidate.header.get() {
      guard header.store == store else {
        let foreign = InspectionIssue(
          .damage, "\(path) belongs to store \(header.store), not to this one (\(store)): put the right file back",
          segment: candidate.named.number, offset: 0)
        lost[candidate.named.number] = foreign
        return
      }
      if header.number != candidate.named.number || header.generation != candidate.named.generation {
        candidate.issues.append(
          InspectionIssue(
            .damage, "\(path) holds segment \(header.number) of generation \(header.generation): restore its name",
            segment: header.number, offset: 0))
      }
    }
    guard let rival = candidates[number] else {
      candidates[number] = candidate
      return
    }
    let kept = isPreferred(candidate, over: rival) ? candidate : rival
    let left = kept.name == candidate.name ? rival : candidate
    issues.append(
      InspectionIssue(.note, "\(StoreNames.segments)/\(left.name) is passed over: \(kept.name) is in force"))
    candidates[number] = kept
  }

  private func isPreferred(_ candidate: Candidate, over rival: Candidate) -> Bool {
    let listed = manifest?.segments.first { $0.number == candidate.number }?.generation
    func rank(_ one: Candidate) -> (Int, Int, UInt32) {
      ((try? one.header.get()) == nil ? 0 : 1, one.generation == listed ? 1 : 0, one.generation)
    }
    return rank(candidate) > rank(rival)
  }

  // MARK: The outcome

  private var numbers: ClosedRange<UInt32>? {
    let all =
      candidates.keys.map(\.value) + lost.keys.map(\.value) + (manifest?.segments ?? []).map(\.number.value)
    guard let low = all.min(), let high = all.max() else { return nil }
    // Without a manifest nothing says that the log does not begin at its beginning.
    return (manifest == nil ? 1 : low)...high
  }

  /// Whether a segment is missing that the manifest lists, or that lies between others.
  var hasMissing: Bool {
    numbers?.contains { candidates[SegmentNumber($0)] == nil && lost[SegmentNumber($0)] == nil } ?? false
  }

  func segments() -> [InspectedSegment] {
    guard let numbers else { return [] }
    // One strange number must not make a list of four thousand million.
    let wanted = numbers.count <= 1 << 20 ? Array(numbers) : candidates.keys.map(\.value).sorted()
    return wanted.map { value in
      let number = SegmentNumber(value)
      if let candidate = candidates[number] { return inspected(candidate) }
      let generation = manifest?.segments.first { $0.number == number }?.generation ?? 0
      return .lost(
        number,
        lost[number]
          ?? InspectionIssue(
            .damage,
            "\(StoreNames.segment(number, generation: generation)) is missing: restore it from a backup or a replica",
            segment: number))
    }
  }

  private func inspected(_ candidate: Candidate) -> InspectedSegment {
    var issues = candidate.issues
    if let other = lost[candidate.number] { issues.append(other) }
    let header: SegmentHeader
    switch candidate.header {
    case .success(let valid):
      header = valid
      if valid.packedFrom == nil, candidate.fileBytes != valid.capacity {
        issues.append(
          InspectionIssue(
            .damage, "the file has \(candidate.fileBytes) bytes instead of \(valid.capacity)", segment: valid.number,
            offset: min(candidate.fileBytes, valid.capacity)))
      }
    case .failure(let error):
      let issue = InspectionIssue(
        .damage, "the segment's header can not be read: \(error.text); restore the file from a backup or a replica",
        segment: candidate.named.number, offset: 0)
      guard store != .none, error.isReadable else { return .lost(candidate.named.number, issue) }
      issues.append(issue)
      header = replacement(candidate)
    }
    let file = SegmentFile(header: header, file: candidate.file)
    issues += problems(of: file)
    return .readable(
      .init(
        file: file, fileBytes: candidate.fileBytes, hasLostHeader: (try? candidate.header.get()) == nil,
        issues: issues))
  }
}

extension StoreCensus {
  /// What is wrong with the parts of a packed file that no record lies in.
  private func problems(of segment: SegmentFile) -> [InspectionIssue] {
    guard let packed = segment.packed else { return [] }
    do {
      return try packed.problems().map { InspectionIssue(.damage, $0, segment: segment.number) }
    } catch {
      return [InspectionIssue(error, segment: segment.number)]
    }
  }

  /// A header in the place of one that can not be read: its seed is right.
  private func replacement(_ candidate: Candidate) -> SegmentHeader {
    var header = SegmentHeader(
      store: store, lineage: manifest?.lineage ?? .none, number: candidate.named.number,
      generation: candidate.named.generation, capacity: candidate.fileBytes, epoch: manifest?.epoch ?? 0,
      createdAt: 0)
    guard candidate.named.generation > 0,
      PackedDirectoryLoader(candidate.file, header, fileBytes: Int(clamping: candidate.fileBytes)).isPacked
    else { return header }
    header.packedFrom = candidate.named.generation - 1
    header.capacity = manifest?.segments.first { $0.number == header.number }?.capacity ?? Layout.capacities.upperBound
    return header
  }
}

extension FormatError {
  /// Whether what lies behind a header that failed so is still in a form that this program knows.
  fileprivate var isReadable: Bool {
    switch self {
    case .unknownVersion, .unknownFeatures: false
    default: true
    }
  }
}
