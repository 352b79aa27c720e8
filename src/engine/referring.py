"""Named tuples by reference: the parts of the kernel get an address instead of all the arrays of a tuple.

numba hands a tuple over by value: each call copies every field of every array in it, three hundred values
for the book and the tables together. Compiling those copies took most of the time. `refer` puts a tuple into
the kernel's stack frame and gives its address; a part reads `book.account` from there. Once all parts are
inlined, LLVM keeps the fields in registers, as it does with tuples.
"""

from __future__ import annotations

import hashlib
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_getattr_generic, register_model

from engine.intrinsics import intrinsic


class Reference(types.Type):
    """The address of a named tuple. tuple_type: numba's type of it; its name is long, ours short."""

    def __init__(self, tuple_type: Any) -> None:
        self.tuple_type = tuple_type
        digest = hashlib.sha256(str(tuple_type).encode()).hexdigest()[:8]
        super().__init__(name=f"{tuple_type.instance_class.__name__}_{digest}")


@register_model(Reference)
class _ReferenceModel(models.PrimitiveModel):
    """A pointer to the tuple's value."""

    def __init__(self, dmm: Any, fe_type: Reference) -> None:
        super().__init__(dmm, fe_type, dmm.lookup(fe_type.tuple_type).get_value_type().as_pointer())


@infer_getattr
class _ReferenceFields(AttributeTemplate):
    """The types of the fields."""

    key = Reference

    def generic_resolve(self, reference: Reference, name: str) -> Any:  # type: ignore[override]
        names = reference.tuple_type.fields
        return reference.tuple_type.types[names.index(name)] if name in names else None


@lower_getattr_generic(Reference)
def _read_field(context: Any, builder: Any, reference: Reference, address: Any, name: str) -> Any:
    """Loads one field."""
    place = cgutils.gep_inbounds(builder, address, 0, reference.tuple_type.fields.index(name))
    return builder.load(place)


@intrinsic
def refer(typingctx: Any, fields: Any) -> Any:
    """The address of a named tuple, valid until the function that asks for it returns."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = cgutils.alloca_once(builder, arguments[0].type)
        for index in range(len(fields)):
            field = builder.extract_value(arguments[0], index)
            builder.store(field, cgutils.gep_inbounds(builder, place, 0, index))
        return place

    return Reference(fields)(fields), generate


@intrinsic
def copied(typingctx: Any, reference: Any) -> Any:
    """The address of a copy of a named tuple, for a part that is compiled separately."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type.pointee
        copy = cgutils.alloca_once(builder, kind)
        size = context.get_constant(types.intp, context.get_abi_sizeof(kind))
        cgutils.raw_memcpy(builder, copy, arguments[0], size, 1)
        return copy

    return reference(reference), generate
