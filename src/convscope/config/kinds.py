"""Experiments that train nothing of their own: what each kind may say in the section that it is named by."""

from dataclasses import dataclass, field

from convscope.config.checks import check_fields, positive, said


@dataclass(frozen=True, kw_only=True)
class SummarySetting:
    """`[summary]`: a network's layers and their sizes, from the network alone."""

    network: str = field(default="", metadata={"check": said})
    """Its name, as `convscope networks` lists it."""

    others: tuple[str, ...] = ()
    """Networks of the same family whose sizes stand beside it."""

    def __post_init__(self) -> None:
        check_fields(self, "summary")


@dataclass(frozen=True, kw_only=True)
class TimingSetting:
    """`[timing]`: forward, and forward and backward, batch size by batch size."""

    network: str = field(default="", metadata={"check": said})
    """Its name."""

    batch_sizes: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9)
    """Images at once."""

    burn_in: int = field(default=10, metadata={"check": positive})
    """Batches before the first that counts."""

    batches: int = field(default=100, metadata={"check": positive})
    """Batches that count."""

    def __post_init__(self) -> None:
        check_fields(self, "timing")


@dataclass(frozen=True, kw_only=True)
class RaceSetting:
    """`[race]`: optimizers from one start on a surface of two weights."""

    optimizers: tuple[str, ...] = ("sgd", "momentum", "adam", "adamw")
    """Who takes part."""

    steps: int = field(default=120, metadata={"check": positive})
    """Updates of each."""

    def __post_init__(self) -> None:
        check_fields(self, "race")


@dataclass(frozen=True, kw_only=True)
class FeaturesSetting:
    """`[features]`: the patches that excite a network's units most, projected back to pixels."""

    network: str = "pretrained"
    """A network with weights that were learned elsewhere."""

    images: str = "photos"
    """What is shown to it; looked for in $CONVSCOPE_DATA."""

    run_of: str | None = None
    """An experiment whose trained network is looked into as well."""

    def __post_init__(self) -> None:
        check_fields(self, "features")
