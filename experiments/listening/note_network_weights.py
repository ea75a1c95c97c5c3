"""Take the weights of the network that hears notes from its published ONNX file.

    pip install onnx
    python -m experiments.listening.note_network_weights nmp.onnx note_network.safetensors

The file is `basic_pitch/saved_models/icassp_2022/nmp.onnx` of the wheel of basic_pitch 0.4.0; a
copy lies in `tests/transcribe/nmp/`. Weights are kept as float32, so nothing is lost.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ritornello.note_model.weights_file import WeightsFile, save
from ritornello.transcribe.note_network import NOTE_NETWORK_KIND

# Convolutions by the shape of their weights, which differ all.
_NAMES = {
    (8, 8, 3, 39): "harmonics",
    (1, 8, 5, 5): "contour",
    (32, 1, 7, 7): "wide",
    (1, 32, 7, 3): "sounding",
    (32, 8, 5, 5): "struck",
    (1, 33, 3, 3): "onset",
}


def read_onnx(path: Path) -> dict[str, np.ndarray]:
    """The weights of `ritornello.transcribe.note_network`, float32."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    weights: dict[str, np.ndarray] = {}
    kernels: list[np.ndarray] = []
    scales: list[np.ndarray] = []
    for node in graph.node:
        given = [constants[name] for name in node.input if name in constants]
        if node.op_type == "Conv":
            weight, bias = given
            if weight.shape in _NAMES:
                name = _NAMES[weight.shape]
                weights[f"{name}.weight"], weights[f"{name}.bias"] = weight, bias
            elif len(weight) == 1:
                weights["spectrum.halving"] = weight.reshape(-1)
            else:
                kernels.append(weight.reshape(len(weight), -1))
        elif node.op_type in ("Mul", "Add") and given:
            scales.append(given[0])
    # The first octave has both kernels; the others share them.
    weights["spectrum.kernel"] = np.stack(kernels[:2], axis=-1)
    weights["spectrum.scale"] = next(each.reshape(-1) for each in scales if each.size > 300)
    factor, offset = (each.item() for each in scales if each.shape == (1,))
    weights["spectrum.norm"] = np.array([factor, offset])
    return {name: np.ascontiguousarray(each, np.float32) for name, each in weights.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    provenance = {
        "from": "nmp.onnx of basic-pitch 0.4.0, Spotify AB",
        "licence": "Apache-2.0",
    }
    file = WeightsFile(NOTE_NETWORK_KIND, read_onnx(options.source), {}, provenance)
    save(file, options.target, numbers="float32")


if __name__ == "__main__":
    main()
