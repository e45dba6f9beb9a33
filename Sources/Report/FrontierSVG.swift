public import Vocabulary

/// The frontier as a drawing: loss on a logarithmic axis against a cost; bytes with bits per weight.
///
/// Shapes tell what a policy is (circle: on the frontier, diamond: a uniform format), colours how
/// its loss is known (blue: predicted, vermilion: measured on held-out data). Colours are those of
/// Okabe and Ito, "Color universal design", 2008, which all kinds of eyes tell apart.
public enum FrontierSVG {
  /// Draws a frontier; the same frontier gives the same bytes.
  ///
  /// - Parameters:
  ///   - budgets: Limits to draw, those on the axes.
  ///   - width: Pixels.
  ///   - height: Pixels.
  public static func render(
    _ frontier: Frontier, budgets: [Budget] = [], width: Int = 960, height: Int = 600
  ) -> String {
    var drawing = FrontierDrawing(
      frontier, budgets: budgets, width: Double(width), height: Double(height))
    drawing.draw()
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
      viewBox="0 0 \(width) \(height)" role="img" font-family="\(fonts)">
        <title>\(SVG.escaped(drawing.title))</title>
        <style>\(style)</style>
      \(drawing.svg.body)</svg>

      """
  }

  private static let fonts =
    "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
    .replacing("'", with: "&#39;")

  private static let style = """

        .page { fill: #ffffff }
        .plot { fill: #fbfbfa }
        .title { font-size: 19px; font-weight: 600; fill: #1a1a1a }
        .subtitle, .key { font-size: 12.5px; fill: #555555 }
        .axis { font-size: 12.5px; fill: #333333 }
        .tick { font-size: 11.5px; fill: #555555 }
        .tick.small { font-size: 10px; fill: #8a8a8a }
        .label { font-size: 11.5px; fill: #333333 }
        .label.knee { font-weight: 600; fill: #00664a }
        .note { font-size: 11px; font-style: italic; fill: #777777 }
        .frame { fill: none; stroke: #9a9a9a; stroke-width: 1 }
        .grid { stroke: #dcdcda; stroke-width: 1 }
        .minor { stroke: #efefed; stroke-width: 1 }
        .mark { stroke: #9a9a9a; stroke-width: 1 }
        .leader { stroke: #b5b5b5; stroke-width: 0.8 }
        .shift { stroke: #c9c9c7; stroke-width: 1; stroke-dasharray: 2 2 }
        .predicted-line { fill: none; stroke: #0072b2; stroke-width: 2; stroke-linejoin: round }
        .measured-line { fill: none; stroke: #d55e00; stroke-width: 1.5; stroke-dasharray: 5 4 }
        .predicted { fill: #0072b2; stroke: #ffffff; stroke-width: 1 }
        .measured { fill: #d55e00; stroke: #ffffff; stroke-width: 1 }
        .measured-dominated { fill: #ffffff; stroke: #d55e00; stroke-width: 1.6 }
        .interval { stroke: #d55e00; stroke-width: 1.4 }
        .baseline-predicted { fill: #ffffff; stroke: #0072b2; stroke-width: 1.6 }
        .baseline-measured { fill: #d55e00; stroke: #ffffff; stroke-width: 1 }
        .budget { stroke: #7a4f9a; stroke-width: 1.4; stroke-dasharray: 7 4 }
        .label.budget-label { fill: #7a4f9a }
        .knee-ring { fill: none; stroke: #009e73; stroke-width: 2.2 }
      \("  ")
    """
}
