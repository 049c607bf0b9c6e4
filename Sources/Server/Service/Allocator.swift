/// How the process gives memory back after a peak: what requests of several megabytes took, many at once.
internal import CMalloc

enum Allocator {
  private static let mappedBytesMin: Int32 = 512 << 10
  private static let arenasMax: Int32 = 4

  /// Call it before there are other threads.
  static func giveBackWhatIsLarge() {
    mfh_map_blocks_from(mappedBytesMin)
    mfh_limit_arenas(arenasMax)
  }
}
