/// What a power cut takes from a disk.
package enum LossMode: CaseIterable, Sendable {
  /// Everything that was written has reached the disk, synced or not.
  case none
  /// Nothing that was not synced has.
  case all
  /// Each page, and each change of a directory, by the toss of a coin.
  case randomSubset
  /// What was written last is there, what was written before it is not.
  case reordered
  /// Names and sizes are there, contents are old, or zeros.
  case metadataOnly
}

/// The unit in which unsynced contents survive.
package enum LossUnit: Int, CaseIterable, Sendable {
  /// As file systems write.
  case page = 4096
  /// As disks write.
  case sector = 512
}
