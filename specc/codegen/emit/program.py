"""One generated class: its layers, a method per factor, and what can be asked of it."""

from __future__ import annotations

from specc.catalog.functions import index as functions
from specc.codegen.emit.asked import write_capabilities
from specc.codegen.emit.expressions import ExpressionWriter, align
from specc.codegen.emit.file import PyFile, assemble
from specc.codegen.emit.flow import write_flow
from specc.codegen.emit.layers import write_module
from specc.codegen.emit.learnt import write_learnt, write_property
from specc.codegen.emit.text import factorization, program_docstring, written
from specc.codegen.plan import Argument, Before, Buffer, Factor, Let, Plan, ProgramPlan
from specc.codegen.writer import Writer, listed
from specc.language.expressions.tree import Call


def write_program(plan: Plan, program: ProgramPlan) -> PyFile:
    """The file of one program."""
    imports = {"torch.Tensor", "torch.nn"}
    out = Writer()
    out.line(f"class {program.class_name}(nn.Module):")
    with out.indented():
        out.docstring(f"{factorization(plan, program)}.")
        _write_init(plan, program, out, imports)
        for item in program.learnt:
            if item.raw != item.attribute:
                out.line()
                write_property(item, out, imports)
        writer = ExpressionWriter(plan, program, imports)
        for name in program.order:
            if name in program.lets:
                _write_let(plan, program.lets[name], writer, out)
            elif name in program.befores and program.befores[name].method:
                _write_initial(plan, program.befores[name], writer, out)
            elif name in program.factors:
                _write_factor(plan, program.factors[name], writer, out)
        write_capabilities(plan, program, out, imports)
    docstring = program_docstring(plan, program)
    return assemble(f"{program.name}.py", docstring, imports, [], out)


def _write_init(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> None:
    if not (program.modules or program.heads or program.learnt or program.buffers):
        return
    out.line()
    out.line("def __init__(self) -> None:")
    with out.indented():
        out.line("super().__init__()")
        for module in program.modules:
            if module.lowered.layers:
                with out.about(f"links.{module.link.name}"):
                    write_module(out, module.attribute, module.lowered, imports)
            if module.tail is not None:
                with out.about(f"links.{module.link.name}"):
                    write_module(out, module.tail.attribute, module.tail.lowered, imports)
        for head in program.heads:
            with out.about(f"{program.name}.{head.node.name}"):
                write_module(out, head.attribute, head.lowered, imports)
        for item in program.learnt:
            with out.about(f"{program.name}.{item.node.name}"):
                write_learnt(item, out, imports)
        for buffer in program.buffers:
            imports.add("torch")
            _write_buffer(buffer, out)
    del plan


def _write_buffer(buffer: Buffer, out: Writer) -> None:
    """The constant tensor; a table too long for the line is named before it is registered."""
    registered = f'self.register_buffer("{buffer.attribute}", {{}}, persistent=False)'
    value = f"torch.full({buffer.shape}, {buffer.value!r})"
    if buffer.values is not None:
        value = f"torch.tensor({listed(buffer.values)})"
    if buffer.made:
        value = buffer.made
    elif len(buffer.shape) > 1 and buffer.values and not out.fits(registered.format(value)):
        out.table("values = ", buffer.values)
        value = "torch.tensor(values)"
    out.statement(registered.format(value))
    out.statement(f"self.{buffer.attribute}: Tensor")


def _write_let(plan: Plan, let: Let, writer: ExpressionWriter, out: Writer) -> None:
    out.line()
    given = [f"{plan.python[name]}: Tensor" for name in let.inputs]
    with out.about(f"{let.node.program}.{let.node.name}"):
        out.call(f"def {let.method}", ["self", *given], " -> Tensor:")
        with out.indented():
            code = align(writer.number(let.expression), len(let.type.shape))
            shown = ", ".join(["...", *map(str, let.type.shape)])
            out.docstring(f"{let.node.name} = {written(let.expression)}: [{shown}].")
            made = f"self.{let.buffer.attribute}" if let.buffer is not None else code.text
            out.statement(f"return {made}")


def _write_initial(plan: Plan, before: Before, writer: ExpressionWriter, out: Writer) -> None:
    out.line()
    given = [f"{plan.python[name]}: Tensor" for name in before.inputs]
    base = plan.graph.graph.lookup(before.node.program, before.base)
    assert base is not None
    with out.about(f"{base.program}.{base.name}"):
        out.call(f"def {before.method}", ["self", *given], " -> Tensor:")
        with out.indented():
            when = "before the first step" if before.is_before else "after the last step"
            shown = ", ".join(map(str, before.type.shape))
            out.docstring(f"{before.base} {when}, {written(before.initial)}: [{shown}].")
            code = align(writer.number(before.initial), len(before.type.shape))
            out.statement(f"return {code.text}")


def _write_factor(plan: Plan, factor: Factor, writer: ExpressionWriter, out: Writer) -> None:
    with out.about(f"{factor.node.program}.{factor.node.name}"):
        if factor.tensors:
            _write_parameters(plan, factor, writer, out)
        if factor.flow is not None:
            write_flow(plan, factor, factor.flow, writer, out)


def _write_parameters(plan: Plan, factor: Factor, writer: ExpressionWriter, out: Writer) -> None:
    out.line()
    given = [f"{plan.python[name]}: Tensor" for name in factor.given]
    count = len(factor.tensors)
    result = "Tensor" if count == 1 else f"tuple[{', '.join(['Tensor'] * count)}]"
    out.call(f"def {factor.method}", ["self", *given], f" -> {result}:")
    with out.indented():
        out.docstring(_factor_docstring(factor))
        features = _write_trunk(plan, factor, writer, out)
        values = [_parameter(a, features, writer) for a in factor.tensors]
        _write_return(values, out)


def _write_return(values: list[str], out: Writer) -> None:
    whole = f"return {', '.join(values)}"
    with out.indented():
        fitting = all(out.fits(f"{value},") for value in values)
    if out.fits(whole) or len(values) == 1 or not fitting:
        out.statement(whole)
        return
    out.line("return (")
    with out.indented():
        for value in values:
            out.line(f"{value},")
    out.line(")")


def _factor_docstring(factor: Factor) -> str:
    shapes = []
    for argument in factor.tensors:
        orders = [str(factor.members)] if factor.members > 1 else []
        shown = ", ".join([*orders, "...", *map(str, argument.shape)])
        shapes.append(f"{argument.parameter.name} [{shown}]")
    story, made = f"{factor.symbol} ~ {factor.story}", ", ".join(shapes)
    whole = f"{story}: {made}."
    if len(whole) <= 86:
        return whole
    first = story if len(story) <= 87 else f"{factor.symbol} ~ {factor.entry.name}, its parameters"
    return f"{first}.\n\nReturns {made}."


def _write_trunk(plan: Plan, factor: Factor, writer: ExpressionWriter, out: Writer) -> str:
    """The features that the heads act on: a variable, or the input where the trunk is empty."""
    if factor.trunk is None:
        return ""
    assert isinstance(factor.trunk, Call)
    given = writer.link_input(factor.trunk)
    module = writer.modules[factor.trunk.function]
    taken = {plan.python[name] for name in factor.given}
    name = next(n for n in ("h", "features", "hidden", "h_features") if n not in taken)
    if not module.lowered.layers:
        if given in taken:
            return given
        out.statement(f"{name} = {given}")
        return name
    out.statement(f"{name} = self.{module.attribute}({given})")
    return name


def _parameter(argument: Argument, features: str, writer: ExpressionWriter) -> str:
    if argument.head is not None:
        onto = argument.head.constrainer
        if onto.runtime:
            writer.imports.add(onto.runtime)
        return onto.code.format(f"self.{argument.head.attribute}({features})")
    if argument.buffer is not None:
        code = f"self.{argument.buffer.attribute}"
    else:
        assert argument.expression is not None
        code = writer.aligned(argument.expression, argument.shape)
    if argument.alternative is None:
        return code
    target = functions.function(argument.alternative.function).target
    if target.startswith("torch."):
        writer.imports.add("torch")
        return f"{target}({code})"
    writer.imports.add(target.rsplit(".", 1)[0])
    return f"{target.rsplit('.', 1)[1]}({code})"
