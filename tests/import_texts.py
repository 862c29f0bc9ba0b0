"""Every text that an import can say, found in the source of what an upload runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
STARTS = (
    "earlywarning_pipelines.ingest",
    "earlywarning_pipelines.inspecting",
    "earlywarning_pipelines.import_report",
    "earlywarning.io.child_main",
)
"""What an upload runs: the import, and the child process that opens its files."""

SETTINGS = re.compile(
    r"earlywarning\.(?:district|calendar|toml_checks|visit_rules|visits\b.*|io\.register\b.*)$"
)
"""Speaks of the installation and not of files: its settings and its database are read, and wrong
ones refused, when the service that takes uploads starts."""

RAISED = frozenset({"DataError", "ConfigError", "Conflict", "Busy", "ArtifactError"})
"""Errors whose words a page shows; `ConfirmationNeeded` is told as its single lines."""

UNTOLD = frozenset({"NotUnderstood", "ValueError", "RuntimeError", "TypeError", "re.compile"})
"""What no reader is told in words: an answer of the child is quoted, a mistake of ours has none."""

NOTED = re.compile(
    r"(?:^|\.)(?:warnings|questions|notes|problems|faults|found|hints|lacks|odd|parts|broken|what"
    r"|left_out)$"
)
"""Lists of what is said."""

SAMPLES = {
    "problem": "a date needs one day (%d), one month (%m or %B) and one year (%Y)",
    "said.problem": "'yes', but nobody is proposed; write the student's number, or no",
    "role.replace('_', ' ')": "full name",
    "self._american[name]": "7 in row 7",
    "version": "Ed-Fi 7 XML",
    "weekday": "Monday or Tuesday",
    "_weekday(timed, day)": "Sunday",
    "_weekday(timed, first)": "Monday",
    "_amounts(contents)": "student: 7, grade: 7",
    "'\\n  '.join(['the answers cannot be used; nothing was saved:', *faults])": (
        "the answers cannot be used; nothing was saved:\n  'yes', but nobody is proposed; write "
        "the student's number, or no"
    ),
    "why": "holds results of a statewide test, not marks of lessons; export the section grades",
    "error": "attendance codes: unknown status 7; allowed: 7",
}
"""What is put in and must be known itself."""

MOST_WAYS = 64


@cache
def modules() -> Mapping[str, Path]:
    """Files of the modules that an upload reaches, by name, without those about settings."""
    todo, found = list(STARTS), {}
    while todo:
        name = todo.pop()
        path = _file(name)
        if name in found or path is None or SETTINGS.match(name):
            continue
        found[name] = path
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Import):
                todo += [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                todo += [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
    return found


def _file(name: str) -> Path | None:
    if name.split(".")[0] not in ("earlywarning", "earlywarning_pipelines"):
        return None
    path = ROOT / ("pipelines" if "_" in name.split(".")[0] else "src") / name.replace(".", "/")
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.exists()),
                None)  # fmt: skip


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file, without docstrings and texts that stand by themselves."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_remark(one)]  # type: ignore[attr-defined]
    return tree


def _is_remark(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def pieces(path: Path) -> Iterator[tuple[int, str]]:
    """Texts of a file that `raised` does not give, cut where something is put in; with lines."""
    tree = parsed(path)
    known: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in UNTOLD:
            known |= set(ast.walk(node))
        for one in _said(node):
            known |= set(ast.walk(one))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in known:
            yield from ((node.lineno, piece) for piece in node.value.split("{}"))


def constants(path: Path) -> Iterator[tuple[int, str]]:
    """Every text of a file, cut where something is put in, with its line."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def raised(path: Path) -> Iterator[tuple[int, str]]:
    """Whole texts of what stops an import, is refused, noted or asked, each way it can be said.

    `7` stands for whatever is put in and is no text of the same function or module.
    """
    tree = parsed(path)
    functions = {
        node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    }  # fmt: skip
    for scope in (tree, *functions.values()):
        reader = _Reader(_assigned(scope), functions)
        for node in _own(scope):
            for one in _said(node):
                for text in reader.ways(one):
                    if re.search(r"[a-z]{3}.* ", text):
                        yield one.lineno, text


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """What stands in a function or module itself, not in the functions within."""
    todo = list(ast.iter_child_nodes(scope))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.FunctionDef):
            todo += ast.iter_child_nodes(node)


def _assigned(scope: ast.AST) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in _own(scope):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def _said(node: ast.AST) -> Iterator[ast.expr]:
    """What is said by a call, an assignment or a `yield`, each text by itself."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        if name.split(".")[-1] in RAISED:
            yield from node.args[:1]
        elif name.split(".")[-1] in ("refuse", "refuse_texts", "_each"):
            yield from (one for one in node.args if not isinstance(one, ast.Name))
        elif name.endswith(".append") and NOTED.search(name.removesuffix(".append")):
            yield from _texts(node.args[0])
    elif isinstance(node, ast.AugAssign):
        yield from _texts(node.value) if NOTED.search(ast.unparse(node.target)) else ()
    elif isinstance(node, ast.Yield) and node.value is not None:
        yield from _texts(node.value)


def _texts(node: ast.expr) -> Iterator[ast.expr]:
    """A text; the question of a key and a question; the texts of a list; what a fault says."""
    if isinstance(node, ast.ListComp):
        yield from _texts(node.elt)
    elif isinstance(node, ast.List):
        for one in node.elts:
            yield from _texts(one)
    elif isinstance(node, ast.Tuple) and len(node.elts) > 1:
        yield from (one for one in node.elts[1:] if not isinstance(one, ast.Name | ast.Call))
    elif isinstance(node, ast.JoinedStr | ast.IfExp | ast.Constant | ast.BinOp):
        yield node


class _Reader:
    """Texts as they are said, in one function."""

    def __init__(
        self,
        assigned: Mapping[str, list[ast.expr]],
        functions: Mapping[str, ast.FunctionDef],
        depth: int = 0,
    ) -> None:
        self._assigned, self._functions, self._depth = assigned, functions, depth

    def ways(self, node: ast.AST) -> list[str]:
        """A text, each way that it can be."""
        found = list(dict.fromkeys(self._ways(node)))
        assert len(found) <= MOST_WAYS, ast.unparse(node)
        return found

    def _ways(self, node: ast.AST) -> list[str]:
        if isinstance(node, ast.Constant):
            return [node.value if isinstance(node.value, str) else "7"]
        if isinstance(node, ast.FormattedValue):
            return self.ways(node.value)
        if isinstance(node, ast.IfExp):
            return [*self.ways(node.body), *self.ways(node.orelse)]
        if isinstance(node, ast.JoinedStr):
            return self._together(node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._together([node.left, node.right])
        if (sample := SAMPLES.get(ast.unparse(node))) is not None:
            return [sample]
        return self._elsewhere(node) or ["7"]

    def _together(self, parts: Sequence[ast.expr]) -> list[str]:
        texts = [""]
        for part in parts:
            texts = [text + more for text in texts for more in self.ways(part)]
        return texts

    def _elsewhere(self, node: ast.AST) -> list[str]:
        """What a name was given, or a function of the module gives back, if these are texts."""
        if self._depth > 3:
            return []
        kinds = (ast.JoinedStr, ast.Constant, ast.IfExp)
        if isinstance(node, ast.Name):
            given = [one for one in self._assigned.get(node.id, ()) if isinstance(one, kinds)]
            inner = _Reader(self._assigned, self._functions, self._depth + 1)
            return [text for one in given for text in inner.ways(one)]
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).removeprefix("self.")
            if (called := self._functions.get(name)) is not None:
                inner = _Reader(_assigned(called), self._functions, self._depth + 1)
                return [
                    text
                    for one in ast.walk(called)
                    if isinstance(one, ast.Return) and isinstance(one.value, kinds)
                    for text in inner.ways(one.value)
                ]
        return []
