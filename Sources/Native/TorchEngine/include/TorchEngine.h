// libTorchEngine exports one function, `ct_engine_table`, which CTorch.h declares the table of.
