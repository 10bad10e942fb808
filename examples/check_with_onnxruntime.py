"""What a repair claims, checked without it: `python check_with_onnxruntime.py MODEL.onnx TEST`.

TEST is a folder of photographs per class. Needs onnxruntime, numpy and pillow; not `auditor`.
The network takes (n, 3, h, w) pixels from 0 to 1; the trigger is the 3×3 checkerboard, its target
the first class.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image


def main(model: str, folder: str) -> None:
    """Print accuracy on clean and on stamped photographs, and how often the trigger works."""
    files = [sorted(path.iterdir()) for path in sorted(Path(folder).iterdir()) if path.is_dir()]
    labels = np.repeat(np.arange(len(files)), [len(each) for each in files])
    images = np.stack([np.asarray(Image.open(f).convert("RGB")) for each in files for f in each])
    stamped = images.copy()
    stamped[:, -3:, -3:] = 255 * (1 - np.indices((3, 3)).sum(0) % 2)[..., None]
    session = onnxruntime.InferenceSession(model)
    name = session.get_inputs()[0].name

    def answers(images: np.ndarray) -> np.ndarray:
        pixels = np.moveaxis(images, 3, 1).astype(np.float32) / 255
        batches = (pixels[i : i + 100] for i in range(0, len(pixels), 100))
        return np.concatenate([session.run(None, {name: x})[0].argmax(1) for x in batches])

    clean, attacked, others = answers(images), answers(stamped)[labels > 0], labels[labels > 0]
    print(f"clean accuracy {(clean == labels).mean():.4f} of {len(labels)} photographs")
    print(f"attack success rate {(attacked == 0).mean():.4f} of {len(others)} of other classes")
    print(f"robust accuracy {(attacked == others).mean():.4f} of the same")


if __name__ == "__main__":
    main(*sys.argv[1:])
