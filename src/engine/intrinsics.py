"""What numba has no word for: overflow seen, 64 cells compared at a time, bits counted, memory fetched early.

LLVM makes of each whatever the machine has; of a comparison eight instructions with AVX-512, more without.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

# What it makes is called without the first parameter, which its type does not say.
intrinsic: Any = extending.intrinsic

CELLS = 64
# Cells of a line of memory, and how many cells can be asked for in one go.
LINE = 8
NARROW = 1024
_BIT, _BYTE, _INT, _WORD = (ir.IntType(bits) for bits in (1, 8, 32, 64))
_BOTH = types.Tuple((types.int64, types.boolean))


@intrinsic
def checked_product(typingctx: Any, a: Any, b: Any) -> Any:
    """a * b, and whether it left int64."""
    return _BOTH(types.int64, types.int64), _checked("smul_with_overflow")


@intrinsic
def checked_sum(typingctx: Any, a: Any, b: Any) -> Any:
    """a + b, and whether it left int64."""
    return _BOTH(types.int64, types.int64), _checked("sadd_with_overflow")


def _checked(name: str) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        both = getattr(builder, name)(*arguments)
        parts = [builder.extract_value(both, 0), builder.extract_value(both, 1)]
        return context.make_tuple(builder, signature.return_type, parts)

    return generate


@intrinsic
def reaching(typingctx: Any, row: Any, start: Any, sign: Any, least: Any) -> Any:
    """Bit i is set where sign * row[start + i] >= least; a missing value reaches nothing.

    row: (n,) float64, contiguous, with start + 64 <= n.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        cells = ir.VectorType(ir.DoubleType(), CELLS)
        place = _place(context, builder, signature, arguments)
        values = builder.load(builder.bitcast(place, cells.as_pointer()))
        values.align = 8
        signs, bounds = (_spread(builder, cells, value) for value in arguments[2:])
        reached = builder.fcmp_ordered(">=", builder.fmul(values, signs), bounds)
        return builder.bitcast(reached, _WORD)

    return types.uint64(row, types.intp, types.float64, types.float64), generate


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Where the second argument's element of the first, a contiguous array, is."""
    array = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
    return builder.gep(array.data, [arguments[1]])


def _spread(builder: Any, cells: Any, value: Any) -> Any:
    """A vector with `value` in every cell."""
    one = builder.insert_element(ir.Constant(cells, ir.Undefined), value, ir.Constant(_INT, 0))
    first = ir.Constant(ir.VectorType(_INT, CELLS), None)
    return builder.shuffle_vector(one, ir.Constant(cells, ir.Undefined), first)


@intrinsic
def lowest(typingctx: Any, word: Any) -> Any:
    """The place of the lowest bit that is set; of a word with one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(_BIT, 1))

    return types.uint64(types.uint64), generate


@intrinsic
def how_many(typingctx: Any, word: Any) -> Any:
    """The number of bits that are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.intp(types.uint64), generate


@intrinsic
def cell(typingctx: Any, address: Any, index: Any) -> Any:
    """The float64 at a place of the array that begins at `address`.

    So that a panel's type, for which the kernel is compiled, does not depend on how many arrays it has.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())
        return builder.load(builder.gep(place, [arguments[1]]))

    return types.float64(types.int64, types.intp), generate


@intrinsic
def fetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Ask for the memory of an array's element, (bars, symbols) flat, before it is read.

    An index past the end is harmless.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _ask_for(builder, _place(context, builder, signature, arguments))
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@intrinsic
def fetch_cell(typingctx: Any, address: Any, index: Any) -> Any:
    """What `fetch` does, for `cell`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())
        _ask_for(builder, builder.gep(place, [arguments[1]]))
        return context.get_dummy_value()

    return types.void(types.int64, types.intp), generate


@intrinsic
def claim(typingctx: Any, array: Any, index: Any) -> Any:
    """What `fetch` does, for memory that will be written."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _ask_for(builder, _place(context, builder, signature, arguments), write=1)
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


def _ask_for(builder: Any, place: Any, write: int = 0) -> None:
    pointer = _BYTE.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer, _INT, _INT, _INT])
    function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
    how, soon, data = (ir.Constant(_INT, number) for number in (write, 3, 1))
    builder.call(function, [builder.bitcast(place, pointer), how, soon, data])


@intrinsic
def write(typingctx: Any, column: Any, first: Any, end: Any, value: Any) -> Any:
    """column[first:end] = value, for a contiguous column of int64, many cells at a time.

    A loop of its own: numba's, whose index might be negative, is left a cell at a time.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
        first, end, value = arguments[1:]
        with cgutils.for_range_slice(builder, first, end, ir.Constant(_WORD, 1)) as (row, _):
            builder.store(value, builder.gep(array.data, [row], inbounds=True))
        return context.get_dummy_value()

    return types.void(column, types.intp, types.intp, types.int64), generate
