/// Texts that must not move by accident; rewrite them on purpose.
enum Goldens {
  static let plot = """
    loss (nats/token) against size, Tiny
        1e0 ┤ ⠠⢄⡀                     ┊
            │   ⠈⠉⠒⠢⢄⣀    ●     ab    ┊
            │         ⠉⠑⠢⠤◆⡀          ┊
            │              ⠈⠑⠒⠤⢄⡀     ┊
       1e-1 ┤                   ⠈⠉⠒⠤⢄⣀┊
            │                         ⠉⠒⠢⠤⣀
            │                         ┊    ⠉⠑⠢⠤⣀⡀
       1e-2 ┤                         ┊         ⠈⠑⠂
            └─────────────┬───────────────────────┬─
         MB              20                      40
       ◆ knee: 20.0 MB, 2.00 bpw, 0.200   ● measured   ┊ budget: 30.0 MB
       a uniform int4    25.0 MB   2.50 bpw  0.400
       b uniform q4_0    25.0 MB   2.50 bpw  0.400

    """

  static let strip = """
    Tiny <net> & "co": 2.2 kB (2.1 KiB), 5.734 bpw
    predicted loss 0.100 nats/token, within 0 % of the optimum

    bits by module and block, encoder.layer.0 to encoder.layer.11
                     0         5        10
    attention.query  6 4 4 4*6 4 4 4 6 4 4 4     1.2 MB
    mlp              6 3 3 3*6 3 3 3 6 3 3 3     1.2 MB

    layer            format      size
    ─────────────────────────────────
    embeddings.word  int8-g64  1.0 MB

    format    layers  of bytes
    ──────────────────────────────────────
    int8-g64       1    29.4 %  █████████▍
    int3-g64       9    26.5 %  ████████▌
    int4-g64       9    26.5 %  ████████▌
    int6-g64       6    17.6 %  █████▋

    """
}
