/// Where `make fixtures` puts the models and data that are used here.
enum RealModels {
  static let smolLM2 = ".fixtures/smollm2/permuted.gguf"
  static let miniLM = ".fixtures/minilm"
  static let efficientNet = ".fixtures/efficientnet-lite0/model.onnx"
  static let text = ".fixtures/text/wiki.txt"
  static let heldOutText = ".fixtures/text/wiki-heldout.txt"
  static let sentences = ".fixtures/text/sentences.txt"
  static let documents = ".fixtures/text/lee.txt"
  static let photos = ".fixtures/photos"
  static let heldOutPhotos = ".fixtures/photos-heldout"
}
