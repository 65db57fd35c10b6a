/// What runs inside Redis: each script is one step that nothing comes between.
enum ServerScript: CaseIterable {
    case publish, read, locate, members, beat, leave, sweep, trim

    /// With what all of them share before it.
    var source: [UInt8] { PackageResources.common_lua + own }

    private var own: [UInt8] {
        switch self {
        case .publish: PackageResources.publish_lua
        case .read: PackageResources.read_lua
        case .locate: PackageResources.locate_lua
        case .members: PackageResources.members_lua
        case .beat: PackageResources.beat_lua
        case .leave: PackageResources.leave_lua
        case .sweep: PackageResources.sweep_lua
        case .trim: PackageResources.trim_lua
        }
    }
}
