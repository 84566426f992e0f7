"""The image side of open_clip's ViT-B-32 with random weights: as an ONNX folder, and timed as its users run it.

    python open_clip_images.py export OUT
    python open_clip_images.py time FOLDER [batch = 32]     prints JPEGs a second, from files to vectors
"""

import json
import sys
import time
from pathlib import Path

import open_clip
import torch
from PIL import Image


class Normalised(torch.nn.Module):
    def __init__(self, visual):
        super().__init__()
        self.visual = visual

    def forward(self, pixel_values):
        return self.visual(pixel_values)


def load():
    torch.manual_seed(1)
    model, _, preprocess = open_clip.create_model_and_transforms("ViT-B-32", pretrained=None)
    return model.eval(), preprocess


def export(out: Path) -> None:
    model, _ = load()
    (out / "onnx").mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        Normalised(model.visual).eval(),
        (torch.zeros(2, 3, 224, 224),),
        str(out / "onnx" / "vision_model.onnx"),
        input_names=["pixel_values"],
        output_names=["image_embeds"],
        dynamic_axes={"pixel_values": {0: "batch"}, "image_embeds": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    processor = {
        "image_processor_type": "CLIPImageProcessor",
        **{"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}, "resample": 3},
    }
    (out / "preprocessor_config.json").write_text(json.dumps(processor))
    (out / "config.json").write_text(json.dumps({"model_type": "clip", "projection_dim": 512}))


def timed(folder: Path, batch: int) -> float:
    model, preprocess = load()
    files = sorted(folder.glob("**/*.jpg"))
    with torch.inference_mode():
        model.encode_image(torch.zeros(batch, 3, 224, 224))
        began = time.perf_counter()
        for start in range(0, len(files), batch):
            pixels = torch.stack([preprocess(Image.open(file)) for file in files[start : start + batch]])
            model.encode_image(pixels, normalize=True)
        return len(files) / (time.perf_counter() - began)


if __name__ == "__main__":
    command, path, *rest = sys.argv[1:]
    if command == "export":
        export(Path(path))
    else:
        print(timed(Path(path), int(rest[0]) if rest else 32))
