"""Photos of single things: the photo-like stamps of Tux Paint, flattened on white, in two disjoint folders."""

import hashlib
import subprocess

import numpy as np
from PIL import Image

from workspace import DebianPackage, FixtureError, say

PACKAGE = DebianPackage(
    "tuxpaint-stamps-default", "2022.06.04-1", "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34"
)
STAMPS = "usr/share/tuxpaint/stamps"
SIDE = 320
MARGIN = 1.15
# A stamp is a photo rather than a drawing if, at 64 x 64, it has more than 300 of 32 768 coarse colours.
COLOUR_SAMPLE = (64, 64)
PHOTO_COLOURS = 300
# Drawings; and mirror images of other stamps, which would put the same photo into both folders.
LEFT_OUT = ("cartoon", "mirror")

PREPROCESSING = """\
schema: bitbudget.images/1
size: 224            # side of the square that the network sees
resize: 256          # shorter side before the centre crop
crop: center
interpolation: bicubic
channels: rgb
scale: 1.0           # pixel value is multiplied by this (0..255) ...
mean: [127, 127, 127]
std: [128, 128, 128]
layout: nchw
"""


def is_photo(image):
    """Whether an RGBA image has so many colours where it is opaque that it must be a photo."""
    pixels = np.asarray(image.resize(COLOUR_SAMPLE))
    opaque = pixels[pixels[..., 3] > 128][:, :3].astype(np.int64) // 8
    return len(np.unique(opaque @ [1, 32, 1024])) > PHOTO_COLOURS


def on_white_square(image):
    """The image in the middle of a white square with a margin, not larger than SIDE."""
    width, height = image.size
    side = int(max(width, height) * MARGIN)
    canvas = Image.new("RGB", (side, side), "white")
    canvas.paste(image, ((side - width) // 2, (side - height) // 2), mask=image)
    return canvas if side <= SIDE else canvas.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def read_photos(folder):
    """The different photos of the stamps below a folder, by a name that is made unique if need be."""
    photos, seen = {}, set()
    for path in sorted(folder.rglob("*.png")):
        if any(word in str(path.relative_to(folder)) for word in LEFT_OUT):
            continue
        with Image.open(path) as opened:
            image = opened.convert("RGBA")
        if not is_photo(image):
            continue
        photo = on_white_square(image)
        digest = hashlib.sha256(photo.tobytes()).digest()
        if digest in seen:
            continue
        seen.add(digest)
        name, number = path.stem, 2
        while name in photos:
            name, number = f"{path.stem}-{number}", number + 1
        photos[name] = photo
    return photos


def build(workspace):
    """Make photos/ and photos-heldout/."""
    package = workspace.downloads.debian(PACKAGE)
    scratch = workspace.scratch()
    try:
        subprocess.run(["dpkg-deb", "-x", package, scratch], check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise FixtureError(f"{package} could not be unpacked with dpkg-deb: {error}") from None
    photos = read_photos(scratch / STAMPS)
    names = sorted(photos)
    for folder_name, chosen in (("photos", names[0::2]), ("photos-heldout", names[1::2])):
        folder = workspace.new_folder(folder_name)
        for name in chosen:
            photos[name].save(folder / f"{name}.png")
        (folder / "preprocess.yaml").write_text(PREPROCESSING, encoding="utf-8")
        say(f"photos: wrote {len(chosen)} photos to {folder_name}")
