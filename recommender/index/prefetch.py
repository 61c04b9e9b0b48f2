"""To tell the processor what will be read soon, so that memory brings it while work goes on."""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

NAME = "llvm.prefetch.p0"
TO_READ, TO_KEEP, DATA = 0, 3, 1


@intrinsic
def _prefetch(_typing: Any, array: Any, place: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, byte, number = signature.args[0], ir.IntType(8).as_pointer(), ir.IntType(32)
        there = context.make_array(kind)(context, builder, arguments[0])
        at = cgutils.get_item_pointer(context, builder, kind, there, arguments[1:])  # type: ignore[no-untyped-call]
        hint = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, hint, NAME)  # type: ignore[no-untyped-call]
        how = [number(choice) for choice in (TO_READ, TO_KEEP, DATA)]
        builder.call(function, [builder.bitcast(at, byte), *how])
        return context.get_dummy_value()

    return types.void(array, place), code


prefetch = cast("Callable[[Any, int], None]", _prefetch)
"""Send for the element of an array at a place, which need not exist; for compiled functions."""
