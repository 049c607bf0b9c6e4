"""The seeded bugs: each is a mistake that somebody could make, and a test has to notice it.

'scripts/seeded-bugs' builds all of them into a copy of the code, each behind a condition, and switches them on one at
a time. The product's own code knows nothing of them. An entry gives

- the number, and in a few words what is wrong;
- the file, under Sources, and the text in it that is replaced, which occurs there exactly once;
- what it is replaced by: $BUG is true while the bug is switched on, $TEXT is the replaced text;
- the suites, as 'swift test --filter' takes them, one of which has to fail.

A text that is not found any more is an error: whoever changes the code moves the bug along.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    number: int
    name: str
    file: str
    text: str
    replacement: str
    suites: tuple


BUGS = []


def bug(number, name, file, text, replacement, *suites):
    BUGS.append(Bug(number, name, file, text, replacement, suites))


# What the log promises: durable before acknowledged, and the end of it after an fsync that failed.

WORKER = "LogStore/Commit/CommitWorker.swift"
LOG = "LogStore/RecordLog.swift"

bug(1, "a commit's fdatasync is dropped", WORKER,
    "try position.segment.file.sync()",
    "if $BUG {} else { $TEXT }",
    "CrashMatrixTests")
bug(2, "a commit is acknowledged before its fsync", WORKER,
    "for frame in frames { try write(frame, &position) }",
    "$TEXT\n        if $BUG { completed.store(last.ticket, ordering: .releasing) }",
    "PoisonTests")
bug(3, "an fsync that failed is tried again", WORKER,
    "if options.durability == .fsync || frames.contains(where: \\.isForced) { try sync(&position) }",
    """if options.durability == .fsync || frames.contains(where: \\.isForced) {
          do throws(StorageError) { try sync(&position) } catch {
            if $BUG { try sync(&position) } else { throw error }
          }
        }""",
    "PoisonTests")
bug(4, "a failure does not poison the log", WORKER,
    "failureBox.withLock { if $0 == nil { $0 = LogError(.poisoned, problem.message) } }",
    "if !$BUG { $TEXT }",
    "PoisonTests", "FailingCallTests")
bug(5, "a poisoned log takes writes", LOG,
    "if let failure { throw failure }\n    guard bytes <= options.commitBytesMax",
    "if let failure, !$BUG { throw failure }\n    guard bytes <= options.commitBytesMax",
    "PoisonTests")
bug(6, "a frame says of itself that it is durable", WORKER,
    "frame.header.durableThrough = position.durableThrough",
    "frame.header.durableThrough = $BUG ? frame.header.lastRevision : position.durableThrough",
    "CrashMatrixTests", "TornCommitTests")
bug(7, "a segment is left without an fsync", WORKER,
    "try sync(&position)\n      position.segment = frame.segment",
    "if !$BUG { try sync(&position) }\n      position.segment = frame.segment",
    "WeakerModesTests", "CrashMatrixTests")
bug(8, "a clean close in a weaker mode leaves without an fsync", LOG,
    "submitStamp(isCleanClose: true, isForced: true)",
    "submitStamp(isCleanClose: true, isForced: !$BUG)",
    "WeakerModesTests")
bug(9, "with 'interval' every commit puts the sync off again", WORKER,
    "} else if options.durability == .interval, deadline == nil {",
    "} else if options.durability == .interval, $BUG || deadline == nil {",
    "IntervalTests")
bug(10, "an idle log writes no stamp", LOG,
    "guard building == nil, !isStamped, failure == nil else { return }",
    "guard building == nil, !isStamped, failure == nil, !$BUG else { return }",
    "MisplacedFileTests")
bug(11, "a full segment is not sealed", LOG,
    "send(seal)\n",
    "if !$BUG { send(seal) }\n",
    "AppendTests", "CrashMatrixTests")
bug(12, "no room is left for a segment's seal", LOG,
    "CommitTable.sealBytesMax(capacity: capacity)",
    "($BUG ? 0 : CommitTable.sealBytesMax(capacity: capacity))",
    "AppendTests", "OpenCloseTests", "CrashMatrixTests")
bug(13, "the clock's time is taken when it goes back", LOG,
    "{ max(now, lastTime) }",
    "{ $BUG ? now : max(now, lastTime) }",
    "ClockTests", "HubTests.WriteTests")

# New files: written, synced, named, and the name synced.

MANIFESTS = "LogStore/Segment/ManifestStore.swift"
PREPARER = "LogStore/Segment/SegmentPreparer.swift"
SUPPLY = "LogStore/Segment/SegmentSupply.swift"

bug(14, "a new segment is named before it is durable", PREPARER,
    "try segment.file.sync()",
    "if !$BUG { $TEXT }",
    "CrashMatrixTests", "OpenCloseTests")
bug(15, "the directory of a new segment is not synced", PREPARER,
    "try storage.syncDirectory(StoreNames.segments)",
    "if !$BUG { $TEXT }",
    "CrashMatrixTests", "OpenCloseTests")
bug(16, "the root is not synced after its directories were made", "LogStore/Recovery/Recovery.swift",
    "try storage.syncDirectory(\"\")",
    "if !$BUG { $TEXT }",
    "CrashMatrixTests", "OpenCloseTests")
bug(17, "the next segment is used before the manifest lists it", SUPPLY,
    "$0.segments.append(segment.listing)",
    "if !$BUG { $TEXT }",
    "AppendTests")
bug(18, "only one copy of the manifest is written", MANIFESTS,
    "for name in StoreNames.manifests {\n      let temporary",
    "for name in StoreNames.manifests where !$BUG || name == StoreNames.manifests[0] {\n      let temporary",
    "BitFlipTests", "OpenCloseTests")
bug(19, "a manifest is renamed before it is durable", MANIFESTS,
    "try file.sync()",
    "if !$BUG { $TEXT }",
    "CrashMatrixTests", "OpenCloseTests")
bug(20, "the root is not synced after a manifest was renamed", MANIFESTS,
    "try storage.syncDirectory(\"\")",
    "if !$BUG { $TEXT }",
    "CrashMatrixTests", "OpenCloseTests")
bug(21, "of two manifests the older is taken", MANIFESTS,
    "manifest.sequence > $0.sequence",
    "($BUG ? manifest.sequence < $0.sequence : manifest.sequence > $0.sequence)",
    "ManifestStoreTests")
bug(22, "a manifest's sequence number is not counted", SUPPLY,
    "manifest.sequence += 1",
    "if !$BUG { $TEXT }",
    "ManifestStoreTests")
bug(23, "a manifest does not say what is durable", SUPPLY,
    "manifest.durableThrough = durableThrough()",
    "if !$BUG { $TEXT }",
    "MisplacedFileTests")

# The system's files.

POSIX = "LogStore/Storage/PosixStorage.swift"

bug(24, "the lock is not taken", POSIX,
    "guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {",
    "guard $BUG || flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {",
    "PosixStorageTests")
bug(25, "a write that stopped short passes for whole", POSIX,
    "written += put\n",
    "written += $BUG ? source.count : put\n",
    "PosixStorageTests")
bug(26, "a write's error is passed over", POSIX,
    "guard failure == 0 else {",
    "guard $BUG || failure == 0 else {",
    "PosixStorageTests")
bug(27, "a read's error passes for the end of the file", POSIX,
    "} else if got == 0 {",
    "} else if got == 0 || $BUG {",
    "PosixStorageTests")
bug(28, "an fsync's error is passed over", POSIX,
    "guard fdatasync(descriptor) == 0 else {",
    "guard $BUG || fdatasync(descriptor) == 0 else {",
    "PosixStorageTests")

# Recovery: what was torn and what has rotted.

RECOVERY = "LogStore/Recovery/Recovery.swift"
EXAMINER = "LogStore/Recovery/TailExaminer.swift"
DIRECTORY = "LogStore/Segment/StoreDirectory.swift"

bug(29, "temporary files are not swept", RECOVERY,
    "try sweep()",
    "if !$BUG { $TEXT }",
    "OpenCloseTests")
bug(30, "rot is cut off as a torn tail", "LogStore/Recovery/TailVerdict.swift",
    "case (.badFrame, .durableBeyondEnd): .rot",
    "case (.badFrame, .durableBeyondEnd): $BUG ? .torn : .rot",
    "TailVerdictTests", "BitFlipTests")
bug(31, "a torn tail is written over in place", RECOVERY,
    "return tail.isClean ? try resume",
    "return tail.isClean || $BUG && tail.verdict == .torn ? try resume",
    "TornCommitTests", "CrashMatrixTests")
bug(32, "after a crash the page cache is trusted", EXAMINER,
    "isClean: isClean && verdict == .complete",
    "isClean: (isClean || $BUG) && verdict == .complete",
    "CrashMatrixTests", "WeakerModesTests", "PoisonTests")
bug(33, "a resumed tail is not written again", RECOVERY,
    "try rewriteUnproven(tail.scan, directory.segments[tail.activeIndex].file)",
    "if !$BUG { $TEXT }",
    "WeakerModesTests")
bug(34, "a later frame proves nothing", "LogStore/Recovery/TailEvidence.swift",
    "durableThrough = max(durableThrough, header.durableThrough)\n"
    "          durableOffset = max(durableOffset, header.durableOffset)",
    "if !$BUG {\n            $TEXT\n          }",
    "MisplacedFileTests")
bug(35, "the manifest proves nothing", EXAMINER,
    "(directory.manifest.durableThrough, \"the manifest\")",
    "($BUG ? Revision.none : directory.manifest.durableThrough, \"the manifest\")",
    "MisplacedFileTests", "TornCommitTests")
bug(36, "a snapshot proves nothing", EXAMINER,
    "(directory.snapshotRevision, \"a snapshot\")",
    "($BUG ? Revision.none : directory.snapshotRevision, \"a snapshot\")",
    "HubTests.SnapshotTests")
bug(37, "the next segment proves nothing", EXAMINER,
    "let spare = try spareEvidence(behind: index)",
    "let spare = try $BUG ? TailEvidence() : spareEvidence(behind: index)",
    "MisplacedFileTests")
bug(38, "recovery copies what was proven durable, too", "LogStore/Recovery/TailRebuilder.swift",
    "offset >= proven else",
    "offset >= proven || $BUG else",
    "CrashMatrixTests", "OpenCloseTests")
bug(39, "recovery copies nothing", "LogStore/Recovery/TailRebuilder.swift",
    "frames = found",
    "frames = $BUG ? [] : found",
    "CrashMatrixTests")
bug(40, "recovery does not say where the segment before ends", RECOVERY,
    "predecessorEnd: UInt64(proven)",
    "predecessorEnd: $BUG ? 0 : UInt64(proven)",
    "CrashMatrixTests")
bug(41, "recovery writes over the segment that it reads", RECOVERY,
    "lineage: active.header.lineage, number: active.number.next,",
    "lineage: active.header.lineage, number: $BUG ? active.number : active.number.next,",
    "CrashMatrixTests")
bug(42, "a spare segment is removed while the manifest lists it", RECOVERY,
    """try ManifestStore.write(manifest, to: storage)
      // Only once the manifest does not list them any more: a listed segment that is missing is a loss.
      let spares = directory.segments[(tail.activeIndex + 1)...].dropFirst()
      for spare in spares {
        try storage.remove(StoreNames.segment(spare.number, generation: spare.header.generation))
      }
      if !spares.isEmpty { try storage.syncDirectory(StoreNames.segments) }""",
    """if !$BUG { try ManifestStore.write(manifest, to: storage) }
      let spares = directory.segments[(tail.activeIndex + 1)...].dropFirst()
      for spare in spares {
        try storage.remove(StoreNames.segment(spare.number, generation: spare.header.generation))
      }
      if !spares.isEmpty { try storage.syncDirectory(StoreNames.segments) }
      if $BUG { try ManifestStore.write(manifest, to: storage) }""",
    "WeakerModesTests", "CrashMatrixTests")
bug(43, "the epoch is not raised", RECOVERY,
    "let raised = tail.lastFrame?.durability != .fsync",
    "let raised = !$BUG && tail.lastFrame?.durability != .fsync",
    "WeakerModesTests")
bug(44, "time goes back at a recovery", RECOVERY,
    "let time = max(now, tail.lastFrame?.time ?? now)",
    "let time = $BUG ? now : max(now, tail.lastFrame?.time ?? now)",
    "ClockTests", "WeakerModesTests")
bug(45, "a copied record keeps its old checksum", "LogStore/Format/RecordHeader.swift",
    "buffer.store(littleEndian: payloadChecksum, at: start + Field.payloadChecksum)",
    "if !$BUG { $TEXT }",
    "CommitTests", "CrashMatrixTests")
bug(46, "a segment of another store is taken", "LogStore/Segment/SegmentFile.swift",
    "if let store, header.store != store {",
    "if let store, header.store != store, !$BUG {",
    "MisplacedFileTests")
bug(47, "a renamed segment is taken", "LogStore/Segment/SegmentFile.swift",
    "guard header.number == number, header.generation == generation else {",
    "guard $BUG || header.number == number && header.generation == generation else {",
    "MisplacedFileTests")
bug(48, "a gap between segments is passed over", DIRECTORY,
    "if let previous = segments.last, previous.number.next != number, problems.isEmpty {",
    "if let previous = segments.last, previous.number.next != number, problems.isEmpty, !$BUG {",
    "MisplacedFileTests")
bug(49, "a missing segment that is the last is passed over", DIRECTORY,
    "problems.append(missing(number, generation))",
    "if !$BUG { $TEXT }",
    "MisplacedFileTests")

# The format: every byte is covered by a checksum, and no length is trusted.

RECORD = "LogStore/Format/RecordHeader.swift"
FRAME = "LogStore/Format/FrameHeader.swift"
SCANNER = "LogStore/Segment/SegmentScanner.swift"
TABLE = "LogStore/Format/CommitTable.swift"
CHECKSUM_GUARD = "guard checksum == bytes.u64(Field.checksum) else { throw .badChecksum }"
NO_CHECKSUM_GUARD = "guard $BUG || checksum == bytes.u64(Field.checksum) else { throw .badChecksum }"

bug(50, "a payload's checksum is not checked", RECORD,
    "guard checksum == payloadChecksum else",
    "guard $BUG || checksum == payloadChecksum else",
    "CommitTests", "BitFlipTests")
bug(51, "a record header's checksum is not checked", RECORD, CHECKSUM_GUARD, NO_CHECKSUM_GUARD, "CommitTests")
bug(52, "a frame header's checksum is not checked", FRAME, CHECKSUM_GUARD, NO_CHECKSUM_GUARD, "FrameHeaderTests")
bug(53, "a segment header's checksum is not checked", "LogStore/Format/SegmentHeader.swift",
    "guard checksum == block.u64(Field.checksum) else",
    "guard $BUG || checksum == block.u64(Field.checksum) else",
    "SegmentHeaderTests")
bug(54, "a manifest's checksum is not checked", "LogStore/Format/Manifest.swift", CHECKSUM_GUARD, NO_CHECKSUM_GUARD,
    "ManifestTests")
bug(55, "a seal's checksum is not checked", TABLE,
    "guard checksum == body.u64(Layout.Seal.checksum) else",
    "guard $BUG || checksum == body.u64(Layout.Seal.checksum) else",
    "SealTests")
bug(56, "the lengths of a record's names are trusted", RECORD,
    "guard named <= bytes.byteCount else",
    "guard $BUG || named <= bytes.byteCount else",
    "CommitTests")
bug(57, "a record's length need not be that of its parts", RECORD,
    "guard Int(recordBytes) == Layout.aligned(named + Int(storedBytes)) else",
    "guard $BUG || Int(recordBytes) == Layout.aligned(named + Int(storedBytes)) else",
    "CommitTests")
bug(58, "a frame's length is trusted: memory for all of it is taken", SCANNER,
    "let wanted = min(max(length, SegmentScanner.windowBytes), limit - offset)",
    "let wanted = $BUG ? max(length, SegmentScanner.windowBytes) : "
    "min(max(length, SegmentScanner.windowBytes), limit - offset)",
    "SegmentScannerTests")
bug(59, "what a recovery has cut off is read", SCANNER,
    "self.limit = Int(min(limit ?? segment.header.capacity, segment.header.capacity))",
    "self.limit = Int($BUG ? segment.header.capacity : min(limit ?? segment.header.capacity, segment.header.capacity))",
    "CrashMatrixTests")
bug(60, "a gap in the revisions is passed over", SCANNER,
    "guard header.firstRevision == result.lastRevision.next else",
    "guard $BUG || header.firstRevision == result.lastRevision.next else",
    "SegmentScannerTests")
bug(61, "a checksum does not depend on the place in the file", "LogStore/Format/Checksum.swift",
    "{ seed &+ UInt64(offset) &* 0x9E37_79B9_7F4A_7C15 }",
    "{ $BUG ? seed : seed &+ UInt64(offset) &* 0x9E37_79B9_7F4A_7C15 }",
    "FrameHeaderTests", "MisplacedFileTests")
bug(62, "a checksum does not depend on the store", "LogStore/Format/Checksum.swift",
    "bytes.append(littleEndian: store.high)\n    bytes.append(littleEndian: store.low)",
    "bytes.append(littleEndian: $BUG ? 0 : store.high)\n    bytes.append(littleEndian: $BUG ? 0 : store.low)",
    "FrameHeaderTests", "MisplacedFileTests")
bug(63, "a commit's number of records is not checked", "LogStore/Format/CommitFrame.swift",
    "guard count == header.recordCount else",
    "guard $BUG || count == header.recordCount else",
    "CommitTests")
bug(64, "the commit table names every commit", TABLE,
    "if let last = entries.last, UInt64(offset)",
    "if !$BUG, let last = entries.last, UInt64(offset)",
    "SealTests")
bug(65, "the commit table finds the wrong entry", TABLE,
    "let behind = firstIndex { $0.firstRevision > revision }",
    "let behind = firstIndex { $BUG ? $0.firstRevision >= revision : $0.firstRevision > revision }",
    "SealTests")

# Snapshots.

WRITER = "LogStore/Snapshot/SnapshotWriter.swift"
BLOCK = "LogStore/Snapshot/SnapshotBlock.swift"
HEAD = "LogStore/Snapshot/SnapshotHead.swift"
STATE = "Hub/State/HubState.swift"
SNAPSHOTS = "HubTests.SnapshotTests"
DAMAGED = "HubTests.SnapshotTests/damaged"
WHILE_WRITING = "HubTests.SnapshotTests/whileWriting"

bug(66, "a snapshot is named before it is durable", WRITER,
    "try put(tail.encode(head.seed), to: file)\n      try file.sync()",
    "try put(tail.encode(head.seed), to: file)\n      if !$BUG { try file.sync() }",
    "SnapshotDurabilityTests")
bug(67, "the directory of a new snapshot is not synced", WRITER,
    "try storage.syncDirectory(StoreNames.snapshots)",
    "if !$BUG { $TEXT }",
    "SnapshotDurabilityTests")
bug(68, "a snapshot waits for a log that nobody makes durable", "Hub/Snapshot/SnapshotTaker.swift",
    "hub.log.requestSync()",
    "if !$BUG { $TEXT }",
    "HubTests.SnapshotTests/waitsForTheLog")
bug(69, "a snapshot block's payload checksum is not checked", BLOCK,
    "guard Checksum.xxh3(payload, seed: seed.at(offset + start)) == payloadChecksum else",
    "guard $BUG || Checksum.xxh3(payload, seed: seed.at(offset + start)) == payloadChecksum else",
    DAMAGED)
bug(70, "a snapshot block's header checksum is not checked", BLOCK, CHECKSUM_GUARD, NO_CHECKSUM_GUARD, DAMAGED)
bug(71, "a snapshot head's checksum is not checked", HEAD,
    CHECKSUM_GUARD + "\n    guard Layout.formatVersions",
    NO_CHECKSUM_GUARD + "\n    guard Layout.formatVersions",
    DAMAGED)
bug(72, "a snapshot tail's checksum is not checked", HEAD,
    CHECKSUM_GUARD + "\n    guard bytes.u64(Field.totalBytes)",
    NO_CHECKSUM_GUARD + "\n    guard bytes.u64(Field.totalBytes)",
    DAMAGED)
bug(73, "a delete that the snapshot has not seen is passed over", STATE,
    "if live != nil { _ = index.remove(key) }",
    "if live != nil, !$BUG { _ = index.remove(key) }",
    WHILE_WRITING)
bug(74, "the expiry that a start from a snapshot replaces stays in the queue", STATE,
    "if live?.mayExpire == true { expiries.remove(key) }",
    "if live?.mayExpire == true, !$BUG { expiries.remove(key) }",
    WHILE_WRITING)
bug(75, "a key that comes back behind the snapshot stays among the deleted ones", STATE,
    "index.insert(key, Version(header, at: position).entry.indexValue)\n      if dead.count > 0 {",
    "index.insert(key, Version(header, at: position).entry.indexValue)\n      if dead.count > 0, !$BUG {",
    WHILE_WRITING)
bug(76, "the log is replayed from behind what was under way", "Hub/Snapshot/MemoryHub+Snapshot.swift",
    "replayFrom: acknowledgedPlace",
    "replayFrom: $BUG ? log.endPlace : acknowledgedPlace",
    "HubTests.SnapshotTests/underWay")
bug(77, "expiries are lost with a snapshot", "Hub/Snapshot/SnapshotLoader.swift",
    "if let expiry { expiries.set(key, expiry: expiry) }",
    "if let expiry, !$BUG { expiries.set(key, expiry: expiry) }",
    SNAPSHOTS)
bug(78, "only the newest snapshot is kept", "LogStore/Snapshot/SnapshotStore.swift",
    "older.dropFirst(SnapshotStore.keptMax - 1)",
    "older.dropFirst($BUG ? 0 : SnapshotStore.keptMax - 1)",
    SNAPSHOTS)
bug(79, "a snapshot of another store is taken", "LogStore/Snapshot/SnapshotStore.swift",
    "if reader.head.store == store {",
    "if $BUG || reader.head.store == store {",
    SNAPSHOTS)
bug(80, "a damaged snapshot is not moved aside", "Hub/Snapshot/MemoryHub+Snapshot.swift",
    "if error.code == .damaged {",
    "if error.code == .damaged, !$BUG {",
    SNAPSHOTS)

# The hub: revisions, conditions, repeats, expiry.

WRITES = "Hub/Writes/MemoryHub+Writes.swift"
REPEATS = "Hub/Writes/MemoryHub+Repeats.swift"
ITEM = "Hub/Items/ItemNormaliser.swift"

bug(81, "a key is there one microsecond too long", "Hub/State/Version.swift",
    "{ expiry != 0 && expiry <= now }",
    "{ expiry != 0 && ($BUG ? expiry < now : expiry <= now) }",
    "ExpiryTests", "VersionEntryTests")
bug(82, "an expired key is read until it is swept", STATE,
    "expiry <= now { return nil }",
    "expiry <= now, !$BUG { return nil }",
    "ExpiryTests")
bug(83, "an expired key is listed until it is swept", "Hub/Reads/MemoryHub+Reads.swift",
    "expiry <= now { return true }",
    "expiry <= now, !$BUG { return true }",
    "ExpiryTests", "HubTests.WriteTests")
bug(84, "the expiry that was replaced stays in the queue", "Hub/State/ExpiryQueue.swift",
    "remove(key)\n    _ = byKey.insert",
    "if !$BUG { remove(key) }\n    _ = byKey.insert",
    "ExpiryQueueTests", "ExpiryTests", "HubTests.ModelTests")
bug(85, "a condition is decided without the writes under way", WRITES,
    "if let pending = pending.newest(hash) {",
    "if let pending = pending.newest(hash), !$BUG {",
    "HubTests.WriteTests")
bug(86, "a refused batch leaves its first operations behind", "Server/Protocol/WriteActions.swift",
    "var named = error",
    "if $BUG { _ = try hub.commitBatch(by: writer) }\n        var named = error",
    "ServerTests.WriteTests")
bug(87, "a repeat is carried out again", REPEATS,
    "guard let found = requests.find(hash, now: now()) else",
    "guard !$BUG, let found = requests.find(hash, now: now()) else",
    "RepeatTests")
bug(88, "a repeat with other content is taken for the same", REPEATS,
    "guard found.fingerprint == writer.fingerprint || found.fingerprint == 0 else",
    "guard $BUG || found.fingerprint == writer.fingerprint || found.fingerprint == 0 else",
    "RepeatTests")
bug(89, "a request is remembered one microsecond too long", "Hub/State/RequestMemory.swift",
    "found.time > oldestKept(now) else",
    "$BUG ? found.time >= oldestKept(now) : found.time > oldestKept(now) else",
    "RepeatTests")
bug(90, "a delete of nothing tells a revision that is not acknowledged", WRITES,
    "guard result.hit else { return WriteOutcome(ticket: pendingTicket, result: result) }",
    "guard result.hit else { return WriteOutcome(ticket: $BUG ? 0 : pendingTicket, result: result) }",
    "HubTests.WriteTests")
bug(91, "what is replaced or deleted stays in the checksum", STATE,
    "checksum.remove(try readReplaced(entry))",
    "let old = try readReplaced(entry)\n    if !$BUG { checksum.remove(old) }",
    "HubTests.ModelTests")
bug(92, "what is replaced or deleted stays in the counts by kind", STATE,
    "countByKind[Int(entry.itemKind)] -= 1",
    "if !$BUG { $TEXT }",
    "ExpiryTests", "HubTests.ModelTests")
bug(93, "an event's link to the one before is lost across a delete", WRITES,
    "let revision = state.deadRevision(key)",
    "let revision = $BUG ? .none : state.deadRevision(key)",
    "HubTests.WriteTests")
bug(94, "deleted keys are remembered without end", STATE,
    "guard dead.count > deadKeysMax else",
    "guard dead.count > deadKeysMax, !$BUG else",
    "HubTests.LimitTests")
bug(95, "a key is not trimmed", "Hub/KeyRules.swift",
    "let (start, end) = bounds(key)",
    "let (start, end) = $BUG ? (0, key.byteCount) : bounds(key)",
    "KeyRulesTests")
bug(96, "unknown fields of an item are dropped", ITEM,
    "appendUnknown(fields, tape, text, &buffer)",
    "if !$BUG { $TEXT }",
    "ItemTests")
bug(97, "a number is read and written as a Double", ITEM,
    "if let range = checked.0 {",
    "if $BUG, let range = checked.0, let number = Double(text.extracting(range).text()) {\n"
    "      buffer.append(text: \"\\(number)\")\n    } else if let range = checked.0 {",
    "ItemTests")
bug(98, "a replaced item's creation time is lost", ITEM,
    "?? replacedCreation ?? now",
    "?? ($BUG ? nil : replacedCreation) ?? now",
    "ItemTimeTests")
bug(99, "a settled commit hides a newer one under way", "Hub/State/PendingVersions.swift",
    "if let pending = byKey[key], pending.ticket <= ticket {",
    "if let pending = byKey[key], pending.ticket <= ticket || $BUG {",
    "PendingTests")

# The index.

bug(100, "a split loses a key", "Index/KeyTree+Insert.swift",
    "right.rebuild(from: source, middle..<count, ",
    "right.rebuild(from: source, ($BUG && count - middle > 1 ? middle + 1 : middle)..<count, ",
    "KeyIndexTests.ModelTests")
bug(101, "a scan by prefix gives the key that it should start behind", "Index/KeyTree+Scan.swift",
    "after.compare(prefix) >= 0",
    "($BUG ? after.compare(prefix) > 0 : after.compare(prefix) >= 0)",
    "ScanTests")
bug(102, "a scan by prefix goes on behind the prefix", "Index/KeyTree+Scan.swift",
    "scan(from: prefix, inclusive: true) { key, value in key.hasPrefix(prefix) && visit(key, value) }",
    "scan(from: prefix, inclusive: true) { key, value in ($BUG || key.hasPrefix(prefix)) && visit(key, value) }",
    "ScanTests")
bug(103, "joined leaves lose their neighbour", "Index/KeyTree+Remove.swift",
    "if !right.next.isNone { arena.node(right.next).previous = leftID }",
    "if !right.next.isNone, !$BUG { arena.node(right.next).previous = leftID }",
    "KeyIndexTests")

# JSON.

bug(104, "a name may stand twice in a small object", "JSONText/JSONTape+Names.swift",
    "if theirs.count == mine.count,",
    "if !$BUG, theirs.count == mine.count,",
    "JSONTextTests.RefusalTests")
bug(105, "a name may stand twice in a large object", "JSONText/JSONTape+Names.swift",
    "guard NameScratch.hasDuplicate(",
    "guard !$BUG, NameScratch.hasDuplicate(",
    "JSONTextTests")
bug(106, "the depth of a text is not limited", "JSONText/JSONTape+Parse.swift",
    "guard stack.count < depthLimit else",
    "guard $BUG || stack.count < depthLimit else",
    "JSONTextTests.RefusalTests")
bug(107, "half of a surrogate pair is taken", "JSONText/JSONString.swift",
    "if unit & 0xFC00 == 0xDC00 { throw",
    "if unit & 0xFC00 == 0xDC00, !$BUG { throw",
    "JSONTextTests.RefusalTests")
bug(108, "bytes that are not UTF-8 are taken", "JSONText/UTF8Check.swift",
    "guard second >= lowest, second <= highest else",
    "guard $BUG || second >= lowest && second <= highest else",
    "JSONTextTests.RefusalTests")
bug(109, "control characters are taken in strings", "JSONText/JSONString.swift",
    "} else if byte < 0x20 {",
    "} else if byte < 0x20, !$BUG {",
    "JSONTextTests.RefusalTests")
bug(110, "a number may begin with zeros", "JSONText/JSONTape+Parse.swift",
    "if byte(end) >= 0x30, byte(end) <= 0x39 { throw",
    "if byte(end) >= 0x30, byte(end) <= 0x39, !$BUG { throw",
    "JSONTextTests.RefusalTests")
bug(111, "bytes behind the value are passed over", "JSONText/JSONTape+Parse.swift",
    "guard position == text.byteCount else",
    "guard $BUG || position == text.byteCount else",
    "JSONTextTests.RefusalTests")

# The server.

LOOP = "Server/Transport/RequestLoop.swift"
RELEASE = "Server/Transport/RequestLoop+Release.swift"

bug(112, "a reply overtakes those before it", LOOP,
    "if let connection = loop.clients[name] {",
    "if let connection = loop.clients[name], !$BUG {",
    "PipeliningTests")
bug(113, "a read does not see the writes before it", "Hub/Reads/MemoryHub+Reads.swift",
    "if seesPending, pending.count > 0,",
    "if !$BUG, seesPending, pending.count > 0,",
    "PipeliningTests", "HubTests.WriteTests")
bug(114, "a write is answered before it is durable", LOOP,
    "if connection == nil, ticket <= hub.acknowledgedTicket {",
    "if connection == nil, ticket <= hub.acknowledgedTicket || $BUG {",
    "ServerTests.FailureTests")
bug(115, "a write that failed is answered as if it had not", RELEASE,
    "if ticket > hub.acknowledgedTicket {",
    "if ticket > hub.acknowledgedTicket, !$BUG {",
    "ServerTests.FailureTests")
bug(116, "one request too many may wait", "Server/Transport/Bulkhead.swift",
    "if connection.outstanding >= connectionRequestsMax {",
    "if $BUG ? connection.outstanding > connectionRequestsMax : connection.outstanding >= connectionRequestsMax {",
    "PipeliningTests")
bug(117, "a refusal is dropped and not counted", LOOP,
    "service.counters.droppedReplies += 1\n",
    "if !$BUG { service.counters.droppedReplies += 1 }\n",
    "PipeliningTests")
bug(118, "a reply is dropped and not counted", "Server/Transport/ReplySender.swift",
    "sender.service.counters.droppedReplies += 1",
    "if !$BUG { $TEXT }",
    "HostileClientTests")
bug(119, "any API key is taken for the hub's one", "Server/Security/AccessControl.swift",
    "Sodium.isEqual(singleKey.digest, AccessToken.digest(token))",
    "$BUG || Sodium.isEqual(singleKey.digest, AccessToken.digest(token))",
    "RequestErrorTests")
bug(120, "min_revision is met one revision early", "Server/Protocol/RequestProcessor.swift",
    "guard wanted > hub.state.revision.value else",
    "guard wanted > hub.state.revision.value + ($BUG ? 1 : 0) else",
    "ServerTests.WriteTests")
bug(121, "a request may have one byte too many", "Server/Protocol/RequestProcessor.swift",
    "guard body.byteCount <= hub.limits.requestBytes else",
    "guard body.byteCount <= hub.limits.requestBytes + ($BUG ? 1 : 0) else",
    "ServerTests.LimitTests")
bug(122, "a stop leaves what was accepted without an answer", LOOP,
    "while !clients.isEmpty {",
    "while !clients.isEmpty, !$BUG {",
    "ServerTests.FailureTests")

# The change feed, and what is made of it.

FEED = "Hub/Feed/MemoryHub+Feed.swift"

bug(130, "a page has one event too many", FEED,
    "if page.count == page.query.limit {",
    "if page.count == page.query.limit + ($BUG ? 1 : 0) {",
    "HubTests.FeedTests")
bug(131, "the event that a reply has no room for is lost", FEED,
    "page.events.truncate(to: before)\n      page.isFull = true\n      return .stopBefore",
    "page.events.truncate(to: before)\n      page.isFull = true\n      return $BUG ? .stop : .stopBefore",
    "HubTests.FeedTests")
bug(132, "half a page is given for a whole one", FEED,
    "if end == .reached || page.isFull || page.bytesLeft <= 0 {",
    "if $BUG || end == .reached || page.isFull || page.bytesLeft <= 0 {",
    "HubTests.FeedTests")
bug(133, "a previous value is told only when it was met on the way", FEED,
    "known = try log.position(of: revision)",
    "if !$BUG { $TEXT }",
    "HubTests.FeedTests")
bug(134, "lost revisions are passed without a word", FEED,
    "if header.fields.operation == .gap { page.note(",
    "if header.fields.operation == .gap, !$BUG { page.note(",
    "HubTests.FeedTests")
bug(135, "what can not be read ends the feed instead of stopping it", FEED,
    "guard page.count > 0 else { throw HubError(error) }",
    "guard $BUG || page.count > 0 else { throw HubError(error) }",
    "HubTests.FeedTests")
bug(136, "of two prefixes of a key only the longer one wakes", "Hub/Feed/FeedWatch.swift",
    "length = common - 1",
    "length = $BUG ? -1 : common - 1",
    "FeedWatchTests")
bug(137, "a reader is woken by what it has seen", "Hub/Feed/FeedWatch.swift",
    "if waiter.from <= revision {",
    "if $BUG || waiter.from <= revision {",
    "FeedWatchTests")
bug(138, "a woken reader begins behind the event that woke it", "Server/Transport/RequestLoop+Feed.swift",
    "feed.query.from = revision\n",
    "feed.query.from = $BUG ? revision.next : revision\n",
    "ServerTests.FeedTests")
bug(139, "readers may take all of what may wait", "Server/Transport/Bulkhead.swift",
    "guard clients.feeds.waitingCount >= max(1, requestsMax / 2) else",
    "guard clients.feeds.waitingCount >= max(1, $BUG ? requestsMax : requestsMax / 2) else",
    "ServerTests.FeedTests")
bug(140, "a stop does not answer who waits for an event", "Server/Transport/RequestLoop+Feed.swift",
    "all: isLast, &hub.feedWatch",
    "all: isLast && !$BUG, &hub.feedWatch",
    "ServerTests.FeedTests")
bug(141, "a page made for one reader is given to one who asked for something else", "Server/Protocol/FeedActions.swift",
    "recentPage.query == feed.query,",
    "$BUG || recentPage.query == feed.query,",
    "ServerTests.FeedTests")
bug(142, "an undo takes back what others have written since", "Tools/mfh/Undo/UndoTrail.swift",
    "if isBroken { return .changedSince }",
    "if isBroken, !$BUG { return .changedSince }",
    "UndoTrailTests")
bug(143, "an undo restores what was there before the last write", "Tools/mfh/Undo/UndoTrail.swift",
    "if isOwn, isBroken {",
    "if isOwn, isBroken || $BUG {",
    "UndoTrailTests")
bug(144, "an undo takes an expiry for somebody's write", "Tools/mfh/Undo/UndoTrail.swift",
    "if event.kind == .expire { return }",
    "if event.kind == .expire, !$BUG { return }",
    "UndoTrailTests")
# Point-in-time recovery, backup, verification.

bug(201, "a replay leaves a segment without an fsync", "LogStore/Building/FileSync.swift",
    "try file.sync()\n      return",
    "if !$BUG { try file.sync() }\n      return",
    "ReplayCrashTests")
bug(202, "a replay that was cut short is opened", "LogStore/Recovery/Recovery.swift",
    "if try NewStore.isUnfinished(storage) {",
    "if !$BUG, try NewStore.isUnfinished(storage) {",
    "ReplayCrashTests")
bug(203, "a replay takes one revision too many", "Tools/StoreTools/Replay/ReplayPlan.swift",
    "fields.operation.takesRevision ? fields.revision > revision",
    "fields.operation.takesRevision ? fields.revision.value > revision.value + ($BUG ? 1 : 0)",
    "ReplayTests")
bug(204, "an EXPIRE of a version that was left out removes the one before it", "Tools/StoreTools/Replay/AgentExclusion.swift",
    "if !known.isLive || known.expiry == 0 || known.expiry > fields.time {",
    "if !known.isLive || !$BUG && (known.expiry == 0 || known.expiry > fields.time) {",
    "ReplayTests")
bug(205, "a backup's manifest lets unlisted segments in", "LogStore/Backup/StoreBackup.swift",
    "manifest.listsAll = true",
    "manifest.listsAll = !$BUG",
    "BackupTests")
bug(206, "a copied segment is not read before it is kept", "LogStore/Backup/SegmentCopier.swift",
    "let scan = try? scan(copy), isWhole(scan), isSameEnd(scan, copy)",
    "let scan = try? scan($BUG ? segment : copy), isWhole(scan), isSameEnd(scan, copy)",
    "BackupTests")
bug(207, "an item is not compared with its state hash", "Hub/State/LogState.swift",
    "if fields.operation.isPut, stateHash != fields.stateHash {",
    "if fields.operation.isPut, !$BUG, stateHash != fields.stateHash {",
    "VerifyTests")

bug(208, "the marks in a long commit are not used", "LogStore/Lookup/LogLookup.swift",
    "let mark = try table(at: index, log).mark(before: revision, in: offset..<end)",
    "!$BUG, $TEXT",
    "LookupTests")
bug(209, "a mark names the record before", "LogStore/Format/CommitTable.swift",
    "marks.append(Mark(revision: revision, offset: UInt64(place)))",
    "marks.append(Mark(revision: Revision(revision.value - ($BUG ? 1 : 0)), offset: UInt64(place)))",
    "LookupTests")

# Erasure and retention.

bug(210, "a redacted record keeps its salt", "LogStore/Erasure/RecordEdits.swift",
    "result.store(commitment, at: Field.salt)",
    "if !$BUG { $TEXT }",
    "RedactionTests")
bug(211, "the hash of a batch's request stays in its other records", "LogStore/Erasure/RecordEdits.swift",
    "return fields.fingerprint != 0 && unhashed.contains(fields.revision) ? .unhashed : .kept",
    "return !$BUG && fields.fingerprint != 0 && unhashed.contains(fields.revision) ? .unhashed : .kept",
    "RedactionTests")
bug(212, "snapshots from before a redaction stay", "Hub/Erasure/MemoryHub+Redaction.swift",
    "try log.snapshots.removeAll()",
    "if !$BUG { $TEXT }",
    "RedactionTests")
bug(213, "what a recovery has copied is not erased where it was", "LogStore/Erasure/RecordLog+Erasure.swift",
    "segments[$0].header.packedFrom == nil && segments[$0 + 1].header.predecessorEnd != 0",
    "!$BUG && $TEXT",
    "RedactionTests")
bug(214, "a start forgets what was still to be erased", "Hub/MemoryHub+Rebuild.swift",
    "return try applyRedaction(header, record)",
    "if !$BUG { try applyRedaction(header, record) }\n        return",
    "RedactionTests")
bug(215, "a snapshot is taken while something is being erased", "Hub/Snapshot/MemoryHub+Snapshot.swift",
    "guard snapshotTaker == nil, redactions.isEmpty, snapshots.revision",
    "guard snapshotTaker == nil, $BUG || redactions.isEmpty, snapshots.revision",
    "RedactionTests")
bug(216, "a dictionary is trained on what is erased", "LogStore/Compaction/DictionarySampler.swift",
    "guard !header.isEmptied, edits.fate(of: header).keepsPayload else",
    "guard $BUG || !header.isEmptied && edits.fate(of: header).keepsPayload else",
    "DictionaryErasureTests")
bug(217, "a redaction is not told to the reader of the past", "Hub/Erasure/MemoryHub+Redaction.swift",
    "recent.forget(revision)",
    "if $BUG { past.redactions = Redactions() }\n    $TEXT",
    "RedactionTests")
bug(218, "the floor is not written down", "LogStore/Retention/RecordLog+Retention.swift",
    "try supply.raiseFloor(to: findings.floor, at: time)",
    "if !$BUG { $TEXT }",
    "RetentionTests")
bug(219, "a dropped event loses its leaf", "LogStore/Format/RecordLeaf.swift",
    "if header.fields.operation == .dropped { return RecordLeaf.remains(record) }",
    "if !$BUG, header.fields.operation == .dropped { return RecordLeaf.remains(record) }",
    "RetentionTests")
bug(220, "the retention lets one version too many go", "LogStore/Retention/SupersededRevisions.swift",
    "return counts[index] >= kept",
    "return counts[index] + ($BUG ? 1 : 0) >= kept",
    "RetentionTests")
bug(221, "the retention takes in what is younger than it keeps", "LogStore/Retention/RetentionPolicy.swift",
    "max(untouched, wanted)",
    "max(untouched, $BUG ? wanted / 2 : wanted)",
    "RetentionTests")
bug(224, "no head skips over two unless its chain is in memory", "Hub/History/ChainLink.swift",
    "if rest == weight { return true }",
    "if rest == weight { return !$BUG }",
    "ChainTests")

POOL = "Evidence/LeafPool.swift"

bug(222, "leaves that were hashed on several threads come in another order", POOL,
    "let oldest = underWay.removeFirst()",
    "let oldest = $BUG ? underWay.removeLast() : underWay.removeFirst()",
    "LeafPoolTests")
bug(223, "the last leaves of a log are forgotten", POOL,
    "if !open.isEmpty { submit(to: sink) }",
    "if !open.isEmpty && !$BUG { submit(to: sink) }",
    "LeafPoolTests", "TamperTests")

MESSAGES = "HistoryTree/Messages.swift"

bug(225, "the digest that comes later overwrites what stands before its place", MESSAGES,
    "- Digest.bytes\n    bytes.store(littleEndian: digest.first, at: offset)",
    "- Digest.bytes - ($BUG ? 1 : 0)\n    bytes.store(littleEndian: digest.first, at: offset)",
    "MessagesTests", "LeafPoolTests")
bug(226, "leaves that are appended together are taken for a subtree that begins elsewhere", "HistoryTree/Frontier.swift",
    "let level = min(size.trailingZeroBitCount, Int.bitWidth - 1 - rest.count.leadingZeroBitCount)",
    "let level = min($BUG && size == 6 ? 2 : size.trailingZeroBitCount, Int.bitWidth - 1 - rest.count.leadingZeroBitCount)",
    "TreeTests")
bug(227, "a dropped record's leaf stands behind its neighbour's", "LogStore/Format/RecordLeaf.swift",
    "kept.append((count, RecordLeaf.remains(record)))",
    "kept.append((count + ($BUG && count % 9 == 4 ? 1 : 0), RecordLeaf.remains(record)))",
    "LeafPoolTests")
bug(228, "events that were read last are not compared with the state", "Tools/StoreTools/StateVerifier.swift",
    "func finish() {\n    takePending()",
    "func finish() {\n    if !$BUG { takePending() }",
    "VerifyTests")
bug(229, "what is written before the tree's thread runs is told as older than the tree", "Evidence/TreeKeeper.swift",
    "state.logAtStart.take() ?? state.log",
    "($BUG ? nil : state.logAtStart.take()) ?? state.log",
    "KeeperTests")

# Who read what.

bug(240, "the stream of reads has no room left for the file that is begun", "LogStore/ReadAudit/ReadAuditWriter.swift",
    "status.bytes + UInt64(options.fileBytes) > UInt64(options.bytesMax)",
    "status.bytes + ($BUG ? 0 : UInt64(options.fileBytes)) > UInt64(options.bytesMax)",
    "ReadAuditTests")
bug(241, "a file of reads does not say where the one before it ends", "LogStore/ReadAudit/ReadAuditWriter.swift",
    "predecessorEnd = end",
    "predecessorEnd = $BUG ? 0 : end",
    "ReadDamageTests")
bug(242, "the reader of reads gives up at damage", "LogStore/ReadAudit/ReadFileScan.swift",
    "offset += 1\n",
    "offset = $BUG ? bytes.byteCount : offset + 1\n",
    "ReadDamageTests")
bug(243, "a read that waits for a commit is not recorded", "Server/Protocol/DecidedReply.swift",
    "if let read = head.read { record(read) }",
    "if !$BUG, let read = head.read { record(read) }",
    "ReadAuditTests")
bug(244, "what a conflict tells is not recorded", "Server/Protocol/RequestProcessor.swift",
    "if let read = head.read { record(read) }",
    "if !$BUG, let read = head.read { record(read) }",
    "ReadAuditTests")

# Logs, and what the service manager hears.

REQUESTS_LOG = "Server/Logging/RequestLog.swift"
TRACE = "Server/Logging/RequestTrace.swift"
NOTIFY = "Server/ServiceManager/NotifySocket.swift"
MANAGER = "Server/ServiceManager/ServiceManager.swift"

bug(260, "who asks for a wait is told of as slow", "Server/Transport/RequestLoop+Release.swift",
    "arrival: request.countedFrom(released), reply",
    "arrival: $BUG ? request.arrival : request.countedFrom(released), reply",
    "RequestLogTests")
bug(261, "every slow request has a line", REQUESTS_LOG,
    "guard slowTold < RequestLog.slowLinesMax else {",
    "guard $BUG || slowTold < RequestLog.slowLinesMax else {",
    "RequestLogTests")
bug(262, "a line has the keys of its request", TRACE,
    "names = strings.extracting(whole).array()",
    "names = $BUG ? strings.array() : strings.extracting(whole).array()",
    "RequestLogTests")
bug(263, "controls of the second kind are shown as they are", "Server/Logging/LogText.swift",
    "return next < 0xA0 ? (2, UInt16(next)) : nil",
    "return next < 0xA0 && !$BUG ? (2, UInt16(next)) : nil",
    "JSONLogHandlerTests")
bug(264, "a write that waited is never slow", "Server/Protocol/RequestProcessor.swift",
    "trace: log.takesTimes ? request.trace(arrival: arrival) : nil,",
    "trace: ($BUG ? log.isVerbose : log.takesTimes) ? request.trace(arrival: arrival) : nil,",
    "RequestLogTests")
bug(265, "a commit's line begins with the revision before it", "Server/Transport/RequestLoop.swift",
    "revision + 1...hub.state.revision.value, through: hub.acknowledgedTicket,",
    "revision + ($BUG ? 0 : 1)...hub.state.revision.value, through: hub.acknowledgedTicket,",
    "RequestLogTests")
bug(266, "the loop does not report", "Server/Transport/RequestLoop.swift",
    "onTurn?()",
    "if !$BUG { $TEXT }",
    "ServiceManagerTests")
bug(267, "an abstract name is taken for a path", NOTIFY,
    "? [0] + bytes.dropFirst() : bytes + [0]",
    "? ($BUG ? bytes + [0] : [0] + bytes.dropFirst()) : bytes + [0]",
    "ServiceManagerTests")
bug(268, "somebody else's watchdog is answered", MANAGER,
    'if let process = environment["WATCHDOG_PID"], process != "\\(getpid())" { return nil }',
    'if !$BUG, let process = environment["WATCHDOG_PID"], process != "\\(getpid())" { return nil }',
    "ServiceManagerTests")
bug(269, "a socket that does not hear is told of again and again", MANAGER,
    "isProblemTold = true",
    "isProblemTold = !$BUG",
    "ServiceManagerTests")
bug(270, "core dumps are left as they are", "Server/Service/HubService.swift",
    "CoreDump.forbid()",
    "if !$BUG { $TEXT }",
    "ServiceManagerTests")
bug(271, "a clock that was set back stops the housekeeping", "Server/Transport/RequestLoop+House.swift",
    "guard now >= nextSweep || now < nextSweep - RequestLoop.sweepIntervalMicroseconds else { return }",
    "guard now >= nextSweep || !$BUG && now < nextSweep - RequestLoop.sweepIntervalMicroseconds else { return }",
    "ClockTests")
# Who is let in, as whom, and to what.

ACCESS = "Server/Security/AccessControl.swift"
RIGHTS = "Server/Security/RequestProcessor+Access.swift"

bug(340, "a permission's prefix needs no end of its own", "Access/Permission.swift",
    "Permission.separators.contains(last) else {",
    "$BUG || Permission.separators.contains(last) else {",
    "PermissionTests")
bug(341, "a permission opens names that its prefix does not begin", "Access/Permission.swift",
    "return prefix.isEmpty || name.hasPrefix(prefix.span.bytes)",
    "return prefix.isEmpty || $BUG || name.hasPrefix(prefix.span.bytes)",
    "PermissionTests", "AccessMatrixTests")
bug(342, "a revoked key counts", "Access/KeyRing.swift",
    "guard entry.revoked == nil else { continue }",
    "guard $BUG || entry.revoked == nil else { continue }",
    "KeyRingTests")
bug(343, "a key's id is enough", "Access/KeyRing.swift",
    "Sodium.isEqual(digest, AccessToken.digest(token))",
    "$BUG || Sodium.isEqual(digest, AccessToken.digest(token))",
    "KeyRingTests")
bug(344, "the log names whom the request names", "Server/Protocol/RequestProcessor.swift",
    "if let principal { try RequestProcessor.bind(&request, to: principal) }",
    "if !$BUG, let principal { try RequestProcessor.bind(&request, to: principal) }",
    "ServerTests.AccessTests")
bug(345, "a name is not checked against the key", RIGHTS,
    "!RequestProcessor.may(operation, name, principal, request)\n    else",
    "!$BUG, !RequestProcessor.may(operation, name, principal, request)\n    else",
    "AccessMatrixTests")
bug(346, "who may something may look after the hub", RIGHTS,
    "!principal.mayEverywhere(operation) else {",
    "!$BUG, !principal.mayEverywhere(operation) else {",
    "AccessMatrixTests")
bug(347, "a list shows what the key does not open", "Server/Protocol/ReadActions.swift",
    "guard let readable else {",
    "guard let readable, !$BUG else {",
    "AccessMatrixTests")
bug(348, "the feed shows what the key does not open", "Hub/Feed/FeedQuery.swift",
    "return within.isEmpty ||",
    "return within.isEmpty || $BUG ||",
    "AccessMatrixTests")
bug(349, "a conflict tells the item to who may not read it", "Server/Protocol/RequestProcessor.swift",
    "let shown = head.hidesItem ? nil : conflict.current",
    "let shown = head.hidesItem && !$BUG ? nil : conflict.current",
    "ServerTests.AccessTests")
bug(350, "a long poll outlives the revocation of its key", "Server/Protocol/FeedActions.swift",
    "if let principal = feed.principal, access?.stands(principal) != true {",
    "if !$BUG, let principal = feed.principal, access?.stands(principal) != true {",
    "ServerTests.AccessTests")
bug(351, "the key file is read at the start only", "Server/Security/KeyWatch.swift",
    "if state.file.hasChanged() {",
    "if !$BUG, state.file.hasChanged() {",
    "ServerTests.AccessTests")
bug(352, "a message counts as sent by the client before", "ZeroMQ/Socket.swift",
    "if !isInsideOfMessage { userID = nil }",
    "if !isInsideOfMessage, !$BUG { userID = nil }",
    "CurveTests")
bug(353, "a client that is not on the list is let in", "Server/Security/ZapHandler.swift",
    "let status = id == nil ?",
    "let status = id == nil && !$BUG ?",
    "CurveTests")
bug(354, "an agent's connection takes another agent's API key", ACCESS,
    "if let agent = owner?.agent,",
    "if !$BUG, let agent = owner?.agent,",
    "CurveTests")
bug(355, "wrong keys are not counted", ACCESS,
    "throttle.note(caller.connection, now: now)",
    "if !$BUG { $TEXT }",
    "ServerTests.AccessTests")
bug(356, "what an agent has in flight never becomes less", "Server/Transport/AgentLimits.swift",
    "deinit { agent.inFlight -= 1 }",
    "deinit { if !$BUG { agent.inFlight -= 1 } }",
    "AgentLimitTests")

bug(357, "a revoked certificate counts as one that is on no list", ACCESS,
    "case .revoked: throw KeyWatch",
    "case .revoked where $BUG: return nil\n      $TEXT",
    "CertificateTests")
bug(358, "a revoked certificate takes the place of one that counts", "Access/KeyRing.swift",
    "case .certificate(let pin) = entry.credential, certificates[pin] == nil {",
    "case .certificate(let pin) = entry.credential, $BUG || certificates[pin] == nil {",
    "KeyRingTests")
bug(359, "a certificate is known by all of it, not by its key", "Access/PublicKeyPin.swift",
    "self.init(publicKey: certificate.extracting(key))",
    "self.init(publicKey: certificate.extracting($BUG ? 0..<certificate.byteCount : key))",
    "PublicKeyPinTests")
bug(360, "a length of DER may be written in more than one way", "Access/PublicKeyPin.swift",
    "bytes.u8(start) != 0 else { return nil }",
    "$BUG || bytes.u8(start) != 0 else { return nil }",
    "PublicKeyPinTests")
bug(361, "the gate forgets which certificate a call has shown", "Server/Transport/RequestLoop+Gate.swift",
    "peer: call.certificate.map { .certificate($0) } ?? .unknown",
    "peer: $BUG ? .unknown : call.certificate.map { .certificate($0) } ?? .unknown",
    "CertificateTests")
bug(370, "the pages are open to a revoked certificate", "Server/Security/KeyWatch.swift",
    "case .revoked = standing(of: certificate) else",
    "case .revoked = standing(of: certificate), !$BUG else",
    "KeyWatchTests")
bug(371, "the pages hear of a revocation when the request loop has looked", "Server/Security/KeyWatch.swift",
    "look().ring.standing(of: certificate)",
    "($BUG ? state.withLock { $0.ring } : look().ring).standing(of: certificate)",
    "KeyWatchTests")
bug(362, "a client may choose its routing id where that is not allowed", "Server/Transport/RequestLoop.swift",
    "if !allowsRoutingIDs, !RoutingID.isOwn(peer) { return RoutingID.chosen }",
    "if !$BUG, !allowsRoutingIDs, !RoutingID.isOwn(peer) { return RoutingID.chosen }",
    "CurveTests")
bug(363, "any name of five bytes counts as libzmq's own", "Server/Transport/RoutingID.swift",
    "id.byteCount == ownByteCount && id.u8(0) == 0",
    "id.byteCount == ownByteCount && ($BUG || id.u8(0) == 0)",
    "CurveTests")

# Other transports: the gate, the pages, the metrics.

bug(300, "a call that was abandoned is done all the same", "Server/Transport/RequestLoop+Gate.swift",
    "if call.isAbandoned { return }",
    "if !$BUG, call.isAbandoned { return }",
    "GateTests")
bug(301, "a gate forgets how much its calls hold", "Server/Edges/RequestGate.swift",
    "waiting.bytes += call.body.count",
    "waiting.bytes += $BUG ? 0 : call.body.count",
    "GateTests")
bug(302, "a hub whose log has failed is ready", "Server/Edges/MonitoringPages.swift",
    'figures.report.failure.map { ["writes fail until a restart: \\($0.message)"] } ?? []',
    "$BUG ? [] : $TEXT",
    "MonitoringTests")
bug(303, "a hub that stops is ready", "Server/Edges/MonitoringPages.swift",
    'case (.stopping, _): ["the hub is stopping"]',
    'case (.stopping, _): $BUG ? [] : ["the hub is stopping"]',
    "MonitoringTests")
bug(304, "a bucket leaves out what is smaller", "Server/Metrics/MetricsText.swift",
    "sum += count\n",
    "sum = $BUG ? count : sum + count\n",
    "MonitoringTests")
bug(305, "a value at a bucket's bound goes into the next one", "LogStore/Commit/Histogram.swift",
    "value > bounds[bucket]",
    "($BUG ? value >= bounds[bucket] : value > bounds[bucket])",
    "MonitoringTests")

# Hostile clients: which connection gives way, how long one may take, and how much those may hold who wait by choice.

TABLE = "EdgeLimits/ConnectionTable.swift"

bug(306, "those that have asked for something give way first", TABLE,
    "{ next(in: \\.fresh) ?? next(in: \\.idle) }",
    "{ $BUG ? next(in: \\.idle) ?? next(in: \\.fresh) : next(in: \\.fresh) ?? next(in: \\.idle) }",
    "ConnectionTableTests")
bug(307, "a connection with a request under way gives way", TABLE,
    "state.entries[id]?.place = 0",
    "if !$BUG { $TEXT }",
    "ConnectionTableTests")
bug(308, "a connection has all the time in the world for its greeting", "GRPCEdge/GreetingWatch.swift",
    "channel.close(promise: nil)",
    "if !$BUG { $TEXT }",
    "PatienceTests")
bug(309, "a byte of a body now and then keeps a connection open", "HTTPEdge/RequestWatch.swift",
    "bodyBytes += part.readableBytes",
    "$TEXT\n      if $BUG { wait(RequestWatch.requestPatience, context) }",
    "PatienceTests")
bug(310, "what a call has held stays counted", "GRPCEdge/CallGuard.swift",
    "budget.end(holding: held, of: connection)",
    "budget.end(holding: $BUG ? 0 : held, of: connection)",
    "CallGuardTests")
bug(311, "one connection may hold what all may", "EdgeLimits/RequestBudget.swift",
    "guard own <= connectionBytesMax else {",
    "guard $BUG || own <= connectionBytesMax else {",
    "RequestBudgetTests", "CallGuardTests")
bug(312, "there may be any number of calls", "EdgeLimits/RequestBudget.swift",
    "guard state.calls < callsMax else {",
    "guard $BUG || state.calls < callsMax else {",
    "RequestBudgetTests", "CallGuardTests")
bug(313, "those who wait by choice use up what may wait", "Server/Transport/Bulkhead.swift",
    "let more = connection.map { $0.isStalled ? 1 : $0.requests + 1 } ?? 1",
    "$TEXT\n    if $BUG { return nil }",
    "LimitTests")
bug(314, "an error of accept ends the listener", "EdgeLimits/AcceptErrors.swift",
    "let channel = context.channel\n",
    "$TEXT    if $BUG { return context.fireErrorCaught(error) }\n",
    "PatienceTests")
bug(316, "a router numbers its peers from the same number on in every process", "ZeroMQ/Context.swift",
    "Context.seedNames()\n",
    "if !$BUG { Context.seedNames() }\n",
    "PeerNameTests")
bug(365, "libzmq takes in as many requests of a flood as it likes", "Server/Transport/Listener.swift",
    "try socket.set(.receiveHighWater, unseenRequestsMax)",
    "if !$BUG { $TEXT }",
    "BackPressureTests")
bug(366, "one client may fill the hub", "Server/Transport/Bulkhead.swift",
    "let free = max - all\n",
    "$TEXT    if $BUG { return free > 0 }\n",
    "BulkheadTests", "PipeliningTests")
bug(367, "the refusals of a flood take the room of requests", "Server/Transport/WaitingClients.swift",
    "var requests: Int { outstanding - refusals }",
    "var requests: Int { $BUG ? outstanding : outstanding - refusals }",
    "BulkheadTests")
bug(368, "each envelope of a connection has a share of its own", "Server/Transport/EnvelopeName.swift",
    "peer = ends[0] == frames.byteCount ? self.frames",
    "peer = $BUG || ends[0] == frames.byteCount ? self.frames",
    "BulkheadTests")
bug(369, "floods that come one after the other fill the hub", "Server/Transport/Bulkhead.swift",
    "free > max / Bulkhead.lastPart",
    "($BUG || free > max / Bulkhead.lastPart)",
    "BulkheadTests")
bug(372, "refusals are dropped where few requests may wait", "Server/Transport/Bulkhead.swift",
    "max: max(requestsMax, Bulkhead.refusalsMax)",
    "max: $BUG ? requestsMax : max(requestsMax, Bulkhead.refusalsMax)",
    "BulkheadTests")
bug(373, "where few may wait, floods fill what is left for those who hold nothing", "Server/Transport/Bulkhead.swift",
    "max(1, requestsMax / Bulkhead.lastPart / Bulkhead.littleClients)",
    "$BUG ? 8 : $TEXT",
    "BulkheadTests")
bug(387, "a proof waits for what nobody makes durable", "Server/Protocol/TreeActions.swift",
    "hub.log.requestSync()",
    "if !$BUG { $TEXT }",
    "TreeOverTheWireTests")
bug(388, "a proof of a deleted key is not found", "Server/Protocol/TreeActions.swift",
    "hub.state.newestEvent(request.decoded.bytes.extracting(key))?.revision",
    "$BUG ? hub.locate(request.decoded.bytes.extracting(key), seesPending: false).entry?.revision : $TEXT",
    "TreeOverTheWireTests")
bug(389, "a feed that names no beginning begins where it can not go on", "Hub/Feed/MemoryHub+Feed.swift",
    "query.from == .none ? floor : query.from",
    "query.from == .none && !$BUG ? floor : query.from",
    "RetentionTests")
bug(374, "nobody is heard while what a commit has set free is sent", "Server/Transport/RequestLoop+Release.swift",
    "if sent & RequestLoop.pieceMask == 0 {",
    "if !$BUG, sent & RequestLoop.pieceMask == 0 {",
    "LoopTurnTests")
bug(375, "the gate waits for all of a flood at the socket", "Server/Transport/RequestLoop.swift",
    "        try drainGate()\n      }",
    "        if !$BUG { try drainGate() }\n      }",
    "LoopTurnTests")
bug(376, "the wait of a reader for an event counts as the hub's time", "Server/Transport/RequestLoop+Feed.swift",
    "feed.count(from: now)",
    "if !$BUG { $TEXT }",
    "RequestLogTests")
bug(377, "a reader's wait that ends without an event counts as the hub's time", "Server/Transport/RequestLoop+Feed.swift",
    "feed.count(from: min(now, feed.deadline))",
    "if !$BUG { $TEXT }",
    "RequestLogTests")
bug(378, "with CURVE nobody is warned of gRPC in clear text", "Server/Service/StartWarnings.swift",
    "guard edges.tls == nil else",
    "guard edges.tls == nil, !$BUG || curveKeyFile == nil else",
    "ProgramTests")
bug(379, "nobody is warned of a short key", "Server/Service/StartWarnings.swift",
    "if let apiKey, apiKey",
    "if let apiKey, !$BUG, apiKey",
    "ProgramTests")
bug(384, "a history whose rest is gone does not show what is there", "Tools/mfh/Commands/History.swift",
    "if !isEmpty { printer.flush() }",
    "if !$BUG, !isEmpty { printer.flush() }",
    "PastTests")
bug(385, "a dry run of a redaction erases", "Tools/mfh/Commands/Redact.swift",
    "guard dryRun || asks else { return true }",
    "guard !$BUG, dryRun || asks else { return true }",
    "PastTests")
bug(386, "a dry run of a retention does not tell the new floor", "LogStore/Retention/RetentionForecast.swift",
    "floor = max(floor, findings.floor)",
    "if !$BUG { $TEXT }",
    "CompactToolTests")

# What reads a store between a redaction and its erasure.

bug(380, "a backup ends before the redaction that the hub has acknowledged", "LogStore/Backup/StoreBackup.swift",
    "if end != nil, try !copier.hasRecords() { break }",
    "if $BUG, end != nil { break }\n      $TEXT",
    "PendingRedactionTests")
bug(381, "a replay keeps the hash of a batch with a redacted item", "LogStore/Inspection/PendingRedactions.swift",
    "if isConcerned { edits.unhashed.formUnion(batch) }",
    "if !$BUG, isConcerned { edits.unhashed.formUnion(batch) }",
    "PendingRedactionTests")
bug(382, "a verification counts what is redacted and not erased as it was", "Tools/StoreTools/StateVerifier.swift",
    "for item in survey.items { state.redact(",
    "for item in survey.items where !$BUG { state.redact(",
    "PendingRedactionTests")
bug(383, "a dump shows a redacted item as the one before the next event", "Tools/logstore-dump/EventSource.swift",
    "!edits.redacted.contains(fields.previousRevision)",
    "$BUG || $TEXT",
    "PendingRedactionDumpTests")
