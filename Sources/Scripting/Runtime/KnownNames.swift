/// The names of the API, for telling a script's author which one was probably meant.
final class KnownNames {
    private(set) var all: [String] = []
    func add(_ name: String) { all.append(name) }
}
