"""The published times of AlgoPerf's self-tuning leaderboard, and the benchmark's workloads with their targets.

Source: MLCommons, https://github.com/mlcommons/submissions_algorithms, `analysis/data/time_to_targets.csv`,
`time_to_target_steps.csv` and `leaderboard.csv` at commit 0007993: medians over three studies. Workloads: Dahl et al.
2023, https://arxiv.org/abs/2306.07179, and Kasimbeg et al. 2025, https://openreview.net/forum?id=CtM5xjRSfm
"""

import math
from collections.abc import Mapping
from typing import Literal

from dynviz.frozen import frozen


@frozen
class Workload:
    """A workload of the benchmark.

    Attributes:
        task: What is learned.
        data: The data set.
        model: The model.
        loss: The training loss.
        metric: What is measured on validation data.
        target: The value to reach.
        budget: Seconds of training that the external tuning ruleset allows; self tuning allows three times as many.
    """

    task: str
    data: str
    model: str
    loss: str
    metric: str
    target: float
    budget: int


WORKLOADS: Mapping[str, Workload] = {
    "criteo1tb": Workload("clickthrough rate prediction", "Criteo 1TB", "DLRM small", "CE", "CE", 0.123735, 7_703),
    "fastmri": Workload("MRI reconstruction", "fastMRI", "U-Net", "L1", "SSIM", 0.7344, 8_859),
    "imagenet_resnet": Workload("image classification", "ImageNet", "ResNet-50", "CE", "ER", 0.22569, 63_008),
    "imagenet_vit": Workload("image classification", "ImageNet", "ViT", "CE", "ER", 0.22691, 77_520),
    "librispeech_conformer": Workload("speech recognition", "LibriSpeech", "Conformer", "CTC", "WER", 0.085884, 61_068),
    "librispeech_deepspeech": Workload(
        "speech recognition", "LibriSpeech", "DeepSpeech", "CTC", "WER", 0.119936, 55_506
    ),
    "ogbg": Workload("molecular property prediction", "OGBG", "GNN", "CE", "mAP", 0.28098, 18_477),
    "wmt": Workload("translation", "WMT", "Transformer", "CE", "BLEU", 30.8491, 48_151),
}
"""The fixed base workloads of the first competition; the leaderboard has a ninth, a language model."""

TASKS = (
    "criteo1tb",
    "fastmri",
    "finewebedu_lm",
    "imagenet_resnet",
    "imagenet_vit",
    "librispeech_conformer",
    "librispeech_deepspeech",
    "ogbg",
    "wmt",
)
_SECONDS = """
ademamix 7839.19 1517.73 18025.90 - - 48894.85 - 6329.97 17399.64
cautious_nadamw - 1608.19 25738.98 - - - - 4992.69 14232.46
lion - 1394.18 23172.04 - - - - 7223.99 15475.55
muon - 1869.77 20594.04 - 77162.92 - - - -
muon_torch 7141.60 - 15471.92 - - - - 1833.47 14214.78
muon_torch_jax_hps - - - - - - - - -
muon_torch_jax_hps_achandr - 1357.47 10338.73 - - - - - -
muon_torch_jax_hps_lr_fix - 1482.86 15474.61 - - - - 1848.26 -
nadamw 7492.69 1800.77 25733.85 - 72015.58 - - - -
nadamw_baselinev05 8206.10 1620.52 20589.91 - - - - 4089.78 14865.79
nadamw_resnet - 1920.55 23163.02 - - - - 6349.51 -
schedule_free_adamw 10337.67 1188.91 - - - - 40463.39 3640.15 19957.72
schedule_free_adamw_jax - 2397.40 12875.28 - 87468.86 - - 5446.97 16161.20
schedule_free_adamw_jax_v2 8204.54 1850.63 15451.99 - 84891.76 - - 5444.02 -
schedule_free_adamw_v2 7480.57 1128.84 - - - 55846.44 41911.18 6325.43 10325.46
single_worker_diloco - 2379.34 28314.82 - - - - - -
"""
_STEPS = """
ademamix 8371 10206 44503 - - 67706 - 27247 112742
cautious_nadamw - 7518 58199 - - - - 24948 112372
lion - 10645 59524 - - - - 33386 109080
muon - 8801 40724 - 151926 - - - -
muon_torch 7716 - 39220 - - - - 7711 97224
muon_torch_jax_hps - - - - - - - - -
muon_torch_jax_hps_achandr - 5530 50538 - - - - - -
muon_torch_jax_hps_lr_fix - 3913 39574 - - - - 7847 -
nadamw 8286 9924 58784 - 152461 - - - -
nadamw_baselinev05 9145 6648 47039 - - - - 20879 118600
nadamw_resnet - 9220 53029 - - - - 32738 -
schedule_free_adamw 10346 10599 - - - - 90588 15853 133517
schedule_free_adamw_jax - 7160 57242 - 175889 - - 27341 122198
schedule_free_adamw_jax_v2 9005 8750 68640 - 164206 - - 27457 -
schedule_free_adamw_v2 7951 12431 - - - 83184 78669 28449 73222
single_worker_diloco - 9342 61209 - - - - - -
"""
SCORES: Mapping[str, tuple[float, float]] = {
    "ademamix": (0.5067340067340069, 0.48540965207631875),
    "cautious_nadamw": (0.2951739618406281, 0.2906846240179571),
    "lion": (0.2626262626262625, 0.23176206509539835),
    "muon": (0.269921436588103, 0.28507295173961816),
    "muon_torch": (0.41189674523007774, 0.4326599326599318),
    "muon_torch_jax_hps": (0.0, 0.0),
    "muon_torch_jax_hps_achandr": (0.21492704826038114, 0.1964085297418627),
    "muon_torch_jax_hps_lr_fix": (0.30246913580246876, 0.3322109988776651),
    "nadamw": (0.36531986531986466, 0.3658810325476986),
    "nadamw_baselinev05": (0.4360269360269367, 0.4281705948372621),
    "nadamw_resnet": (0.17003367003367006, 0.15937149270482578),
    "schedule_free_adamw": (0.466891133557801, 0.40460157126823865),
    "schedule_free_adamw_jax": (0.40123456790123496, 0.3810325476992141),
    "schedule_free_adamw_jax_v2": (0.42929292929292967, 0.3787878787878785),
    "schedule_free_adamw_v2": (0.5679012345679016, 0.4769921436588099),
    "single_worker_diloco": (0.11672278338944997, 0.1503928170594835),
}
"""The published scores by seconds and by steps, each integrated over a hundred points."""


def times(unit: Literal["seconds", "steps"]) -> dict[str, dict[str, float]]:
    """The published time to the target by submission and task; infinite where it was missed or not tried."""
    lines = (line.split() for line in (_SECONDS if unit == "seconds" else _STEPS).split("\n") if line)
    return {
        name: dict(zip(TASKS, (math.inf if text == "-" else float(text) for text in texts), strict=True))
        for name, *texts in lines
    }
