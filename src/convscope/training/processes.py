"""The processes that train one network together. Today one, for which all of this does nothing.

Every process makes the same batch of indices and the same draws, since both are functions of the seed and the
step, and works on its own rows of it: what the network sees does not depend on how many share the work.
"""

from dataclasses import dataclass
from typing import Literal

import torch.distributed
from torch import Tensor

from convscope.errors import UsageError

Agreement = Literal["sum", "largest", "first"]
"""The sum over all processes, the largest of their values, or the value of the first."""


@dataclass(frozen=True)
class Processes:
    """Which of how many this process is.

    Attributes:
        rank: from 0.
        world: how many there are.

    Raises:
        UsageError: there is no such process among so many.
    """

    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            raise UsageError(
                f"there is no process {self.rank} among {self.world}; ranks go from 0 to {self.world - 1}"
            )

    @property
    def is_writer(self) -> bool:
        """Whether this process writes the run: the first, alone."""
        return self.rank == 0

    def shard(self, count: int) -> slice:
        """This process's rows of a batch of `count`; sizes differ by at most one, larger ones first."""
        size, longer = divmod(count, self.world)
        start = self.rank * size + min(self.rank, longer)
        return slice(start, start + size + (self.rank < longer))

    def agree(self, values: Tensor, how: Agreement = "sum") -> Tensor:
        """The same values in every process; of a single process its own.

        Args:
            values: of this process; as they are after the call too. Every process must bring as many.
            how: "sum" for what adds up over the rows of a batch, "largest" for a wish that one is enough for
                (to stop, say), "first" for what one process decides (a time budget's steps).
        """
        if self.world == 1:
            return values
        agreed = values.clone()
        match how:
            case "sum":
                torch.distributed.all_reduce(agreed, torch.distributed.ReduceOp.SUM)
            case "largest":
                torch.distributed.all_reduce(agreed, torch.distributed.ReduceOp.MAX)
            case "first":
                torch.distributed.broadcast(agreed, src=0)
        return agreed


ONE_PROCESS = Processes()
