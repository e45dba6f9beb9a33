internal import Tuning
@main struct Bench { static func main() { } }
