import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// Eigenvalues of operators that are known by their products.
@Suite struct SpectrumTests {
  private func product(_ matrix: [[Float]]) -> (Tensor) throws -> Tensor {
    let n = matrix.count
    let tensor = Tensor(matrix.flatMap { $0 }, shape: [n, n])
    return { try tensor.matmul($0.unsqueezed(1)).reshaped([n]) }
  }

  @Test func powerIterationOfKnownMatrices() throws {
    let iteration = PowerIteration(most: 100, tolerance: 1e-9)
    let start = Tensor([1, 1] as [Float], shape: [2])
    let positive = try iteration.eigenvalue(from: start, product([[2, 1], [1, 3]]))
    #expect(abs(positive - 3.618034) < 1e-5)
    // The largest in magnitude, with its sign.
    let negative = try iteration.eigenvalue(from: start, product([[1, 0], [0, -2]]))
    #expect(abs(negative + 2) < 1e-5)
    #expect(try iteration.eigenvalue(from: start, product([[0, 0], [0, 0]])) == 0)
  }

  @Test func lanczosFindsAllEigenvaluesOfASmallMatrix() throws {
    let eigenvalues: [Float] = [-3, -1, 0.5, 2, 7]
    var matrix = [[Float]](repeating: [Float](repeating: 0, count: 5), count: 5)
    for (k, value) in eigenvalues.enumerated() { matrix[k][k] = value }
    let start = Tensor([1, -1, 1, 1, -1] as [Float], shape: [5])
    let found = try Lanczos.quadrature(from: start, steps: 20, product(matrix))
    #expect(found.nodes.count == 5)
    for (a, b) in zip(found.nodes, eigenvalues) { #expect(abs(a - Double(b)) < 1e-4) }
    // Random signs are equally far along all axes.
    #expect(found.weights.allSatisfy { abs($0 - 0.2) < 1e-4 })
  }

  private func dense() throws -> (TinyPerceptron, [[Double]], SampleChunk) {
    let network = TinyPerceptron()
    let x = ToyNetworks.random([1, 6], seed: 60)
    return (network, try network.hessian(at: x.doubles()), .init(first: 0, samples: [["x": x]]))
  }

  @Test func topEigenvalueOfTheDenseHessiansBlocks() throws {
    let (network, hessian, chunk) = try dense()
    let graph = network.graph()
    let groups = [0, 1].map { k in
      MeasuredGroup(
        name: "\(k)", layers: [k],
        formats: [IntegerFormat(bits: 4, .channel)])
    }
    let task = MeasurementTask(executor: Executor(graph), groups: groups, seed: 5, workers: 1)
    let found = try TopEigenvalue().eigenvalues(of: chunk, in: task)[0]
    for (block, range) in [0..<30, 30..<50].enumerated() {
      let n = range.count
      let rows = range.flatMap { i in range.map { hessian[i][$0] } }
      let values = try call(
        "aten::linalg_eigvalsh", [.tensor(Tensor(rows, shape: [n, n])), .string("L")]
      )
      .doubles()
      let expected = values.last ?? 0
      #expect(abs(found[block] - expected) < 0.03 * expected)
    }
    // An upper bound of the quadratic form.
    let bound = try TopEigenvalue().scores(of: chunk, in: task)
    let form = try Quadratic().scores(of: chunk, in: task)
    for k in 0..<2 { #expect(bound[k][0][0] > 0.97 * form[k][0][0]) }
  }

  @Test func densityOfTheDenseHessian() throws {
    let (network, hessian, chunk) = try dense()
    let density = try SpectralDensity(
      at: chunk, of: Executor(network.graph()), layers: [0, 1], steps: 12, probes: 400, seed: 3)
    let n = hessian.count
    let values = try call(
      "aten::linalg_eigvalsh",
      [.tensor(Tensor(hessian.flatMap { $0 }, shape: [n, n])), .string("L")]
    ).doubles()
    #expect(abs(density.weights.reduce(0, +) - 1) < 1e-6)
    let trace = values.reduce(0, +)
    #expect(abs(density.mean * Double(n) - trace) < 0.1 * trace)
    #expect(abs(density.largest - (values.last ?? 0)) < 1e-3 * (values.last ?? 0))
    // A distance's Hessian has no negative eigenvalues, and most are zero: rank 3 of 50.
    #expect((density.nodes.first ?? -1) > -1e-4 * density.largest)
    let tiny = zip(density.nodes, density.weights).filter { $0.0 < 1e-3 * density.largest }
    #expect(tiny.reduce(0) { $0 + $1.1 } > 0.9)
  }
}
