/// The chosen format of every layer: the file that travels.
public struct Policy: Codable, Hashable, Sendable {
  /// The format of the file.
  public static let schema = "bitbudget.policy/1"

  /// Which model the policy is for.
  public struct Model: Codable, Hashable, Sendable {
    /// The model's own name, with whatever a reader must know about it.
    public var name: String
    /// Such as `llama`, `bert`, `onnx`.
    public var architecture: String
    /// `sha256:` and the digest of the weights' file or files.
    public var digest: String
    /// The number of quantizable weights.
    public var weights: Int

    /// A model by name, architecture, digest and size.
    public init(name: String, architecture: String, digest: String, weights: Int) {
      self.name = name
      self.architecture = architecture
      self.digest = digest
      self.weights = weights
    }
  }

  /// What one layer gets.
  public struct LayerChoice: Codable, Hashable, Sendable {
    /// The layer's name.
    public var name: String
    /// The stored tensor's name.
    public var tensor: String
    /// What the layer computes.
    public var kind: LayerKind
    /// Index of the group whose layers share this format.
    public var group: Int
    /// The weight's format.
    public var weight: String
    /// The activation's format, or `none`.
    public var activation: String
    /// The ends of the activation's calibrated range, low and high, one pair or one for each input
    /// channel; nil where the range is found at run time.
    public var activationRange: [Double]?
    /// Bytes of the weight in its format.
    public var bytes: Int
    /// Whether the user fixed the format.
    public var pinned: Bool
    /// One clause: why not more, why not less.
    public var why: String

    /// What one layer gets, and why.
    public init(
      name: String, tensor: String, kind: LayerKind, group: Int, weight: String,
      activation: String = "none", activationRange: [Double]? = nil, bytes: Int, pinned: Bool,
      why: String
    ) {
      self.name = name
      self.tensor = tensor
      self.kind = kind
      self.group = group
      self.weight = weight
      self.activation = activation
      self.activationRange = activationRange
      self.bytes = bytes
      self.pinned = pinned
      self.why = why
    }
  }

  /// A budget and how much of it is used.
  public struct Spending: Codable, Hashable, Sendable {
    /// The bounded cost.
    public var kind: CostKind
    /// The bound.
    public var limit: Double
    /// What the policy takes.
    public var used: Double

    /// `used` of at most `limit`.
    public init(kind: CostKind, limit: Double, used: Double) {
      self.kind = kind
      self.limit = limit
      self.used = used
    }
  }

  /// What the estimator and the optimizer promise.
  public struct Prediction: Codable, Hashable, Sendable {
    /// Sum of the chosen losses.
    public var loss: Double
    /// The loss's unit.
    public var unit: String
    /// No policy within the budget has a smaller predicted loss than this.
    public var lowerBound: Double
    /// `(loss − lowerBound) / loss`.
    public var gap: Double

    /// A predicted loss with its certificate.
    public init(loss: Double, unit: String, lowerBound: Double, gap: Double) {
      self.loss = loss
      self.unit = unit
      self.lowerBound = lowerBound
      self.gap = gap
    }
  }

  /// What held-out data said.
  public struct Verification: Codable, Hashable, Sendable {
    /// The best uniform format within the budget.
    public struct Uniform: Codable, Hashable, Sendable {
      /// The format.
      public var format: String
      /// Bytes of the whole model under it.
      public var bytes: Int
      /// Mean held-out loss.
      public var loss: Double

      /// A uniform baseline with its size and loss.
      public init(format: String, bytes: Int, loss: Double) {
        self.format = format
        self.bytes = bytes
        self.loss = loss
      }
    }

    /// Mean held-out loss of the policy.
    public var loss: Double
    /// Lower end of its 95 % interval.
    public var low: Double
    /// Upper end of its 95 % interval.
    public var high: Double
    /// Digest of the held-out data.
    public var data: String
    /// The best uniform baseline, when any fits.
    public var uniform: Uniform?

    /// A held-out loss with its interval, the data it was measured on and the baseline.
    public init(loss: Double, low: Double, high: Double, data: String, uniform: Uniform?) {
      self.loss = loss
      self.low = low
      self.high = high
      self.data = data
      self.uniform = uniform
    }
  }

  /// How the policy came to be.
  public struct Provenance: Codable, Hashable, Sendable {
    /// The estimator's name.
    public var estimator: String
    /// The optimizer's name, or `uniform` when a uniform format is shipped.
    public var optimizer: String
    /// The seed of everything random.
    public var seed: UInt64
    /// Digest of the calibration data.
    public var data: String
    /// The tool and its version.
    public var tool: String
    /// Versions of the libraries that computed it.
    public var libraries: [String: String]

    /// Estimator, optimizer, seed, data, tool and libraries.
    public init(
      estimator: String, optimizer: String, seed: UInt64, data: String, tool: String,
      libraries: [String: String]
    ) {
      self.estimator = estimator
      self.optimizer = optimizer
      self.seed = seed
      self.data = data
      self.tool = tool
      self.libraries = libraries
    }
  }

  /// The bytes that the budgets leave the whole model: what a rival may take.
  ///
  /// The tightest of the `bytes` and `bpw` budgets, and never less than the policy takes; its own bytes
  /// where there is no such budget.
  public var allowance: Int {
    let fixed = bytes - layers.reduce(0) { $0 + $1.bytes }
    let limits = budget.compactMap { spending -> Double? in
      switch spending.kind {
      case .bytes: spending.limit
      case .bpw: (spending.limit * Double(model.weights) / 8).rounded(.down) + Double(fixed)
      case .latency, .bops, .resident, .energy, .bits, .loss, .changes: nil
      }
    }
    guard let tightest = limits.min(), tightest.isFinite else { return bytes }
    return max(bytes, Int(min(tightest, 0x1p60)))
  }

  /// Always ``schema``.
  public var schema: String
  /// The model.
  public var model: Model
  /// Every quantizable layer, in the model's order.
  public var layers: [LayerChoice]
  /// Layers that one kernel computes together, where that was decided; nil where it was not.
  public var fused: [[String]]?
  /// The budgets.
  public var budget: [Spending]
  /// Bytes of the whole written model, tensors left alone included.
  public var bytes: Int
  /// 8 · bytes / weights over the quantizable layers, scales and zero points included.
  public var bpw: Double
  /// The promise.
  public var predicted: Prediction
  /// The proof, once there is one.
  public var verified: Verification?
  /// How it came to be.
  public var provenance: Provenance

  /// A policy; `verified` is filled in by the held-out run.
  public init(
    model: Model, layers: [LayerChoice], fused: [[String]]? = nil, budget: [Spending], bytes: Int,
    bpw: Double,
    predicted: Prediction, verified: Verification? = nil, provenance: Provenance
  ) {
    schema = Policy.schema
    self.model = model
    self.layers = layers
    self.fused = fused
    self.budget = budget
    self.bytes = bytes
    self.bpw = bpw
    self.predicted = predicted
    self.verified = verified
    self.provenance = provenance
  }
}
