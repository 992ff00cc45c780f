"""What `dynviz compare` is asked for."""

from dynviz.comparison.plan import TrainingRequest
from dynviz.comparison.targets import Target
from dynviz.errors import DynvizError
from dynviz.frozen import frozen

FIRST_SEED = 1_000_000
"""Seeds from here on are for tuning; those that results are measured on are below."""


@frozen
class ComparisonRequest(TrainingRequest):
    """A comparison of optimizers.

    Attributes:
        tune: Points that each optimizer may try in each study; 0 to take all hyperparameters as they are given.
        studies: How often tuning is repeated, each time with other points and seeds.
        tuning_seeds: Seeds that each point is trained with.
        target: A value to reach, CHANNEL=VALUE; empty for none.
    """

    tune: int = 0
    studies: int = 5
    tuning_seeds: int = 1
    target: str = ""

    def check(self) -> None:
        """See that the request makes sense.

        Raises:
            DynvizError: It does not.
        """
        if self.tune and max(self.seeds) >= FIRST_SEED:
            raise DynvizError(f"seeds from {FIRST_SEED} on are for tuning; measure results on smaller ones")
        if self.tune and len(set(self.optimizers)) < len(self.optimizers):
            raise DynvizError("an optimizer is named twice with the same options; name each once")
        if self.target:
            Target.read(self.target)
