import Testing
import Vocabulary

@Suite struct PolicyTests {
  /// 1000 weights in one layer of 500 bytes, beside 70 fixed bytes.
  private func policy(_ budget: [Policy.Spending]) -> Policy {
    Policy(
      model: .init(name: "toy", architecture: "toy", digest: "sha256:0", weights: 1000),
      layers: [
        .init(
          name: "a", tensor: "a.weight", kind: .linear, group: 0, weight: "int4-channel",
          bytes: 500, pinned: false, why: "")
      ],
      budget: budget, bytes: 570, bpw: 4,
      predicted: .init(loss: 1, unit: "", lowerBound: 1, gap: 0),
      provenance: .init(
        estimator: "", optimizer: "", seed: 0, data: "", tool: "", libraries: [:]))
  }

  @Test func rivalsMayTakeWhatTheTightestByteBudgetLeaves() {
    let bytes = Policy.Spending(kind: .bytes, limit: 600.5, used: 570)
    let bits = Policy.Spending(kind: .bpw, limit: 4.1, used: 4)
    #expect(policy([bytes]).allowance == 600)
    #expect(policy([bits]).allowance == 512 + 70)
    #expect(policy([bytes, bits]).allowance == 582)
  }

  @Test func rivalsNeverGetLessThanThePolicyTakes() {
    #expect(policy([]).allowance == 570)
    #expect(policy([.init(kind: .loss, limit: 1, used: 1)]).allowance == 570)
    #expect(policy([.init(kind: .bytes, limit: 10, used: 570)]).allowance == 570)
    #expect(policy([.init(kind: .bytes, limit: .infinity, used: 570)]).allowance == 570)
    #expect(policy([.init(kind: .bpw, limit: .nan, used: 4)]).allowance == 570)
  }
}
