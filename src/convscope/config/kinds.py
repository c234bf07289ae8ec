"""Experiments that train nothing of their own: what each kind may say in the section that it is named by."""

from dataclasses import dataclass, field

from convscope.config.checks import check_fields, positive, said


@dataclass(frozen=True, kw_only=True)
class SummarySetting:
    """`[summary]`: a network's layers and their sizes, from the network alone."""

    network: str = field(default="", metadata={"check": said})
    """Its name, as `convscope networks` lists it."""

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

    steps: int = field(default=120, metadata={"check": positive})
    """Updates of each."""

    def __post_init__(self) -> None:
        check_fields(self, "race")


@dataclass(frozen=True, kw_only=True)
class FeaturesSetting:
    """`[features]`: the patches that excite a network's units most, projected back to pixels."""

    experiments: tuple[str, ...] = ()
    """Those whose trained networks are looked into; the first run of each is made if need be."""

    def __post_init__(self) -> None:
        check_fields(self, "features")
