"""What numba has no word for: 64 cells compared at a time, bits counted, a cell read at an address.

LLVM makes of a comparison whatever the machine has: eight instructions with AVX-512, more without.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

CELLS = 64
_WORD = ir.IntType(64)


@intrinsic  # type: ignore[misc]
def reaching(typingctx: Any, row: Any, start: Any, sign: Any, least: Any) -> Any:
    """Bit i is set where sign * row[start + i] >= least; a missing value reaches nothing.

    row: (n,) float64, contiguous, with start + 64 <= n.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        cells = ir.VectorType(ir.DoubleType(), CELLS)
        array = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), cells.as_pointer())
        values = builder.load(place)
        values.align = 8
        signs, bounds = (_spread(builder, cells, value) for value in arguments[2:])
        reached = builder.fcmp_ordered(">=", builder.fmul(values, signs), bounds)
        return builder.bitcast(reached, _WORD)

    return types.uint64(row, types.intp, types.float64, types.float64), generate


def _spread(builder: Any, cells: Any, value: Any) -> Any:
    """A vector with `value` in every cell."""
    one = builder.insert_element(ir.Constant(cells, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    nowhere = ir.Constant(ir.VectorType(ir.IntType(32), CELLS), None)
    return builder.shuffle_vector(one, ir.Constant(cells, ir.Undefined), nowhere)


@intrinsic  # type: ignore[misc]
def lowest(typingctx: Any, word: Any) -> Any:
    """The place of the lowest bit that is set; of a word with one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.intp(types.uint64), generate


@intrinsic  # type: ignore[misc]
def how_many(typingctx: Any, word: Any) -> Any:
    """The number of bits that are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.intp(types.uint64), generate


@intrinsic  # type: ignore[misc]
def cell(typingctx: Any, address: Any, index: Any) -> Any:
    """The float64 at a place of the array that begins at `address`.

    So that a panel's type, for which the kernel is compiled, does not depend on how many arrays it has.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())
        return builder.load(builder.gep(place, [arguments[1]]))

    return types.float64(types.int64, types.intp), generate
