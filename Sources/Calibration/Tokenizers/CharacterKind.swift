/// What tokenizers ask about a character.
extension Unicode.Scalar {
  /// Category L.
  var isLetter: Bool {
    if isASCII { return (0x41...0x5A).contains(value & ~0x20) }
    return switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  /// Category N.
  var isNumber: Bool {
    if isASCII { return (0x30...0x39).contains(value) }
    return switch properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: true
    default: false
    }
  }

  /// The property White_Space.
  var isSpace: Bool {
    if isASCII { return value == 0x20 || (0x09...0x0D).contains(value) }
    return properties.isWhitespace
  }

  /// Category P, and all ASCII symbols: what BERT takes for punctuation.
  var isPunctuationOrSymbol: Bool {
    if isASCII {
      return (0x21...0x7E).contains(value) && !isLetter && !isNumber
    }
    return switch properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      true
    default: false
    }
  }

  /// Categories Cc, Cf and Co, but for tab and line ends: what BERT drops.
  var isDropped: Bool {
    if isASCII { return (value < 0x20 && ![0x09, 0x0A, 0x0D].contains(value)) || value == 0x7F }
    return switch properties.generalCategory {
    case .control, .format, .privateUse: true
    default: value == 0xFFFD
    }
  }

  /// The blocks of Han characters that BERT puts spaces around.
  ///
  /// Source: Devlin et al., "BERT", NAACL 2019: the released tokenizer's list of CJK blocks.
  var isHan: Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
      0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
