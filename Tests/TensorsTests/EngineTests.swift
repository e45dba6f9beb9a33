import Tensors
import TestSupport
import Testing

@Suite struct EngineTests {
  /// In a process of its own, since other tests' memory comes and goes beside it.
  @Test func manyOperatorsLeakNothing() async {
    await #expect(processExitsWith: .success) {
      let x = Tensor((0..<256).map(Float.init), shape: [256])
      func work(_ count: Int) throws {
        for _ in 0..<count { _ = try x + x }
      }
      try work(2_000)
      let before = residentBytes()
      try work(100_000)
      // A leak of one result an operator would be 100 MB, of one handle 1.6 MB or more.
      let grown = residentBytes() - before
      guard grown < 1_000_000 else { fatalError("\(grown) bytes more are resident") }
    }
  }

  @Test func severalThreadsAtOnce() throws {
    let x = Tensor((0..<4096).map { Float($0 % 7) }, shape: [64, 64])
    let expected = try x.matmul(x).floats()
    try Engine.parallel(64, workers: 4) { _ in
      let product = try x.matmul(x).floats()
      #expect(product == expected)
    }
  }

  @Test func anyOperatorByName() throws {
    let x = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    let y = try call("aten::matmul", x, x)
    #expect(try y.floats() == [7, 10, 15, 22])
    let parts = try Operator.named("aten::split", "Tensor")([.tensor(x), .int(1)])
    #expect(parts.count == 2)
    #expect(try parts[1].floats() == [3, 4])
  }

  @Test func defaultsAndNamesComeFromTheSchema() throws {
    let x = Tensor([1, 2] as [Float], shape: [2])
    let y = try call("aten::add.Tensor", [.tensor(x), .tensor(x)], named: ["alpha": .int(3)])
    #expect(try y.floats() == [4, 8])
    #expect(throws: TensorError.self) {
      try call("aten::add.Tensor", [.tensor(x), .tensor(x)], named: ["beta": .int(3)])
    }
  }

  @Test func exceptionsBecomeErrors() throws {
    let x = Tensor([1, 2] as [Float], shape: [2])
    let y = Tensor([1, 2, 3] as [Float], shape: [3])
    let error = #expect(throws: TensorError.self) { try x + y }
    #expect(error?.message.contains("must match") == true)
    #expect(throws: TensorError.self) { try Operator.named("aten::no_such_thing") }
  }

  @Test func gradientOfAQuadratic() throws {
    // f = ½ xᵀ A x: gradient A x, Hessian A (known answer of systems.md 17.3).
    let a = Tensor([2, 1, 1, 3] as [Float], shape: [2, 2])
    try recordingGradients(true) {
      let x = try Tensor([1, -2] as [Float], shape: [2]).leaf()
      let f = try call("aten::dot", x, call("aten::mv", a, x)) * 0.5
      let v = Tensor([1, 1] as [Float], shape: [2])
      let product = try hessianVectorProduct(of: f, parameters: [x], vectors: [v])
      #expect(try product[0].floats() == [3, 4])
    }
  }

  @Test func recordingIsTheThreadsOwn() throws {
    let x = Tensor([1] as [Float], shape: [1])
    try recordingGradients(true) {
      let leaf = try x.leaf()
      try Engine.parallel(2, workers: 2) { _ in
        let doubled = try recordingGradients(false) { try leaf * 2 }
        #expect(!doubled.requiresGradient)
      }
      let doubled = try leaf * 2
      #expect(doubled.requiresGradient)
    }
  }

  @Test func foreignMemoryIsNotCopiedAndIsReleased() throws {
    final class Owner: @unchecked Sendable {
      let memory = UnsafeMutablePointer<Float>.allocate(capacity: 4)
      deinit { memory.deallocate() }
    }
    weak var watched: Owner?
    do {
      let owner = Owner()
      watched = owner
      owner.memory.initialize(repeating: 5, count: 4)
      let tensor = Tensor(
        over: UnsafeMutableRawPointer(owner.memory), shape: [4], dtype: .float32, owner: owner)
      let view = try tensor.sliced(0, 1, 3)
      owner.memory[1] = 7
      #expect(try view.floats() == [7, 5])
    }
    #expect(watched == nil)
  }
}
