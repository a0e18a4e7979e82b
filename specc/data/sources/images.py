"""Folders of picture files: one folder, or one for each class."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from specc.data.data_folder import (
    entries,
    folder_for,
    folder_inside,
    inside,
    require_memory,
    unreadable,
)
from specc.data.table import ALL, Array, Column, Table
from specc.runtime.failure import USAGE, RunFailure

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".pgm": "PPM",
    ".ppm": "PPM",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
"""The endings of pictures with their formats; no other format is tried."""

GREY = frozenset({"1", "L", "LA"})
COLOUR = frozenset({"P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})
PIXELS = 1 << 26
"""A picture of more pixels is refused before it is decoded."""

BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, Image.DecompressionBombError)


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """`image` [channels * height * width], bytes with the factor 1/255, and `label`.

    Colours have the shape [channels, height, width]. Pictures are in the order of their names; if
    there are folders, `label` is the number of the folder in the order of their names. A picture is
    resized to `size` by a box filter.
    """
    del used
    given = str(options.get("path", ""))
    data = folder_for("images", folder)
    top = folder_inside(data, given)
    classes, files = _files(data, given, top)
    channels = _channels(files[0][0], options)
    strict = "channels" not in options
    size = _size(files[0][0], options)
    require_memory(top, len(files) * channels * size[0] * size[1], "take a smaller `size`")
    shape = (*size, channels) if channels > 1 else size
    found = np.empty((len(files), *shape), dtype=np.uint8)
    for number, (path, _) in enumerate(files):
        if strict:
            _refuse_colour(path)
        found[number] = _picture(path, channels, size, "size" in options)
    if channels > 1:
        found = np.ascontiguousarray(found.transpose(0, 3, 1, 2))
    columns = {"image": Column(found.reshape(len(files), -1), 1 / 255)}
    if classes:
        labels = np.array([label for _, label in files])
        columns["label"] = Column(labels, classes=classes)
    return Table({ALL: columns}, place=f"{given}/")


def _files(data: Path, given: str, top: Path) -> tuple[tuple[str, ...], list[tuple[Path, int]]]:
    """The names of the classes, and every picture with the number of its class."""
    names = [name for name in entries(top) if not name.startswith(".")]
    classes = tuple(name for name in names if (top / name).is_dir())
    pictures = [name for name in names if Path(name).suffix.lower() in FORMATS]
    pictures = [name for name in pictures if name not in classes]
    if pictures and classes:
        problem = f"it has both pictures (`{pictures[0]}`) and folders (`{classes[0]}`)"
        raise unreadable(top, problem, "put all pictures into folders, or none")
    found = [(inside(data, f"{given}/{name}"), 0) for name in pictures]
    for label, name in enumerate(classes):
        folder = folder_inside(data, f"{given}/{name}")
        inner = [n for n in entries(folder) if Path(n).suffix.lower() in FORMATS]
        if not inner:
            raise unreadable(folder, "it has no pictures, and each folder is a class")
        found += [(inside(data, f"{given}/{name}/{file}"), label) for file in inner]
    if not found:
        hint = f"pictures end in {', '.join(FORMATS)}"
        message = f"the folder {top} has no pictures"
        raise RunFailure("E0504", message, hint=hint, exit_code=USAGE)
    return classes, found


def _channels(first: Path, options: Mapping[str, Any]) -> int:
    channels = int(options.get("channels", 1))
    if channels not in (1, 3):
        raise unreadable(first, f"`channels` is {channels}, not 1 (grey) or 3 (colours)")
    return channels


def _refuse_colour(path: Path) -> None:
    """Refuses a picture in colours if the spec does not state `channels`."""
    mode, (height, width) = _mode_and_size(path)
    if mode in COLOUR:
        pixels = height * width
        hint = (
            f"write `channels: 3` and, for the field, `shape: [{3 * pixels}]`; or `channels: 1` "
            f"and `shape: [{pixels}]`, which makes pictures grey"
        )
        raise unreadable(path, "it is in colours", hint)


def _size(first: Path, options: Mapping[str, Any]) -> tuple[int, int]:
    if "size" in options:
        height, width = options["size"]
        return int(height), int(width)
    return _mode_and_size(first)[1]


def _mode_and_size(path: Path) -> tuple[str, tuple[int, int]]:
    """Mode, height and width, from the header of the file, without decoding the image."""
    with _opened(path) as picture:
        return picture.mode, (picture.height, picture.width)


def _opened(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            found = Image.open(path, formats=(FORMATS.get(path.suffix.lower(), "PNG"),))
    except BROKEN as error:
        raise unreadable(path, str(error) or type(error).__name__) from error
    if found.height * found.width > PIXELS:
        found.close()
        raise unreadable(path, f"it has {found.width}x{found.height} pixels, more than {PIXELS}")
    return found


def _picture(path: Path, channels: int, size: tuple[int, int], resize: bool) -> Array:
    """One picture, [height, width] or [height, width, 3]."""
    with _opened(path) as picture:
        if picture.mode not in GREY | COLOUR:
            raise unreadable(path, f"it is of the kind {picture.mode}, not of 8 bits a channel")
        found = (picture.height, picture.width)
        if found != size and not resize:
            problem = f"it is {found[0]}x{found[1]}, and the pictures before it {size[0]}x{size[1]}"
            raise unreadable(path, problem, f"write `size: [{size[0]}, {size[1]}]`")
        try:
            converted = picture.convert("L" if channels == 1 else "RGB")
        except BROKEN as error:
            raise unreadable(path, str(error) or type(error).__name__) from error
        if found != size:
            converted = converted.resize((size[1], size[0]), Image.Resampling.BOX)
        return np.asarray(converted)
